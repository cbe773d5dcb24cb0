"""What a checkpoint shows, in one line: the catalogue's sentence with its measured numbers."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor, inf
from typing import Any

import numpy as np

from experiments.models.by_hand import IntegralRun, StackRun, WordsRun
from experiments.models.catalogue import Checkpoint
from experiments.models.measuring import AnyRun
from experiments.models.trained import MemoryRun, TrackerRun
from experiments.tracking.tasks import task_name

AGE = 50
"""Age at which memories are compared, in steps."""
_MIXERS = {"s4": "S4", "mamba": "the bare S6"}


def sentence(checkpoint: Checkpoint, found: Mapping[str, Any]) -> str:
    """Fill a checkpoint's sentence with what was measured of it."""
    return checkpoint.shows.format(**_places(checkpoint.run, found))


def percent(share: float) -> str:
    """Write a share, never rounded up: 100 % is said of nothing less."""
    return f"{floor(1000 * share) / 10:g} %"


def _places(run: AnyRun, found: Mapping[str, Any]) -> dict[str, Any]:
    match run:
        case MemoryRun():
            return _memory(run, found)
        case IntegralRun():
            return {"ratio": f"{found['ratio']:.0e}"}
        case _:
            return _tracker(run, found)


def _memory(run: MemoryRun, found: Mapping[str, Any]) -> dict[str, Any]:
    target = run.kernel(np.array([0.0, AGE]))
    return {
        "error": f"{found['error']:.1e}",
        "after": f"{left(found['memory']):.1e}",
        "before": f"{left(found['drawn']):.1e}",
        "target": f"{target[1] / target[0]:.1e}",
    }


def left(memory: Mapping[str, Any]) -> float:
    """Share of its greatest value that a memory function has at that age."""
    ages, values = np.array(memory["ages"]), np.array(memory["values"])
    return float(values[np.abs(ages - AGE).argmin()] / values.max())


def _tracker(run: TrackerRun | WordsRun, found: Mapping[str, Any]) -> dict[str, Any]:
    lengths = run.tested
    prediction = found.get("prediction", {})
    shares = {f"at{f}": percent(found["accuracy"][str(f * lengths[0])]) for f in run.factors}
    places = {
        **shares,
        "first": lengths[0],
        "second": lengths[1],
        "last": lengths[-1],
        "horizon": found["horizon"],
        "single": found["single_horizon"],
        "steps": _steps(prediction),
        "overflow": f"{prediction.get('overflow') or inf:.0f}",
        "task": task_name(run.task),
        "group": task_name(run.task),
    }
    if isinstance(run, StackRun):
        places |= {"blocks": (run.length - 1).bit_length(), "mixer": _MIXERS[run.mixer]}
    return places


def _steps(prediction: Mapping[str, Any]) -> str:
    """Give the predicted horizon; in words where no end was predicted."""
    steps = prediction.get("steps") if prediction.get("verdict") == "drifts" else None
    return "none" if steps is None else f"{steps:.0f}"
