"""What a checkpoint does, measured: when it is made, and again on fresh data whenever asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from experiments.models import by_hand
from experiments.models.by_hand import IntegralRun, RepresentationRun, StackRun, WordsRun
from experiments.models.trained import MemoryRun, TrackerRun
from experiments.tracking import tracking_run
from experiments.tracking.sequence_models import tracker_of
from seqtheory import metrics

AnyRun = TrackerRun | MemoryRun | StackRun | RepresentationRun | IntegralRun
Outcome = Literal["holds", "drifts", "overflows", "fails", "exact", "remembers"]
OUTCOMES: dict[Outcome, str] = {
    "holds": "right at every length tested",
    "drifts": "right at the trained length and for a while beyond it",
    "overflows": "right in double precision, while single precision ends",
    "fails": "wrong at the trained length already",
    "exact": "right by construction",
    "remembers": "holds a memory that it has learnt",
}
_EXACT = 1e-3  # error of an integral over that of predicting zero
_APART = 0.9  # single over double horizon from which on they count as one
_SHOWN = 60  # ages of a memory function


def measured(run: AnyRun, model: Any) -> dict[str, Any]:
    """Measure a model on the data of its run; another `data_seed` in it gives fresh data."""
    if isinstance(run, MemoryRun):
        return {"error": _error(run, model), "memory": memory(run, model)}
    if isinstance(run, IntegralRun):
        return {"ratio": _ratio(run, model)}
    found = tracking_run.tracked(run, tracker_of(model))
    longer: Mapping[str, dict[str, Any]] = found.pop("longer")
    return {"accuracy": {n: held["token_accuracy"] for n, held in longer.items()}, **found}


def outcome(run: AnyRun, found: Mapping[str, Any]) -> Outcome:
    """Say in one word what was measured."""
    if isinstance(run, MemoryRun):
        return "remembers" if found["error"] < 0.5 else "fails"
    if isinstance(run, IntegralRun):
        return "exact" if found["ratio"] < _EXACT else "fails"
    if isinstance(run, WordsRun):
        return "exact" if found["accuracy"][str(run.length)] == 1.0 else "fails"
    horizon, single = found["horizon"], found["single_horizon"]
    if horizon < run.tested[0]:
        return "fails"
    if single < _APART * horizon:
        return "overflows"
    return "holds" if horizon == run.tested[-1] else "drifts"


def memory(run: MemoryRun, model: Any) -> dict[str, Any]:
    """Memory function of a model at some ages, from the state of zero."""
    import seq_torch as st
    from seqtheory.memory_theory import memory_function

    found = memory_function(
        st.array_model(model.eval()), run.horizon, channels=1, directions=2, check=()
    )
    ages = np.unique(np.round(np.geomspace(1, run.horizon, _SHOWN))).astype(int) - 1
    return {"ages": ages.tolist(), "values": found[ages].tolist()}


def _error(run: MemoryRun, model: Any) -> float:
    """Squared error on the last of the run's sequences, over that of predicting zero."""
    import seq_torch as st

    data = run.sequences(run.num_train + run.num_held_out)
    held_out = data.take(slice(run.num_train, len(data)))
    rmse = float(st.evaluate(model, held_out, "squared_error")["rmse"])  # type: ignore[arg-type]
    return rmse**2 / float(np.mean(held_out.targets**2))


def _ratio(run: IntegralRun, model: Any) -> float:
    """Error over that of predicting zero."""
    import torch

    inputs, targets = by_hand.paths(run)
    with torch.no_grad():
        found = model(torch.from_numpy(inputs))[:, 0].numpy()
    return float(metrics.rmse(found, targets) / metrics.rmse(np.zeros(len(targets)), targets))
