"""One rung of a ladder: a network is started, trained, measured and perturbed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.best_model import BestModel
from experiments.kept_model import keep
from experiments.memory import ladder
from experiments.memory.margin import regularise
from experiments.memory.networks import RecurrentRun, model, rates
from experiments.memory.perturbation import perturbed_errors, released
from experiments.memory.plateau import on_plateaus
from experiments.memory.theory_start import begin
from experiments.memory.weighted_loss import weighted, weights
from experiments.run import canonical
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.memory.ladder import Climb
    from experiments.recorder import Recorder
    from seqtheory.dataset import Dataset
    from seqtheory.training import Evaluated, History


def climb_on(
    run: RecurrentRun,
    parts: tuple[Dataset, Dataset, Dataset],
    recorder: Recorder,
    climb: Climb,
    found: Any,
) -> Climb:
    """Train the network of one rung, and log what it is and how it bears perturbations."""
    import torch

    train, held_out, test = parts
    width, network = run.widths[climb.rung], model(run, run.widths[climb.rung])
    if run.start is not None:
        begin(network, run, run.start, width, train)
    share = (climb.rung, len(run.widths))
    rung: Any = ladder.Rung(recorder, climb, found, share, quantity="training", width=width)
    if run.protocol is not None and run.model != "lru":
        regularise(network, run.protocol.margin)
    if run.protocol is not None:
        train, held_out = _late(run, train), _late(run, held_out)
    split = FitData(train, held_out)
    zero = float(np.sqrt(np.mean(held_out.targets**2)))
    half = 0.0 if climb.error is None else climb.error / math.sqrt(2)
    target = max(half, math.sqrt(run.enough) * zero)
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    before = _memory(network, run)
    training = _training(run, climb, target)
    history, at = _fitted(run, network, split, training, rung)
    if run.takes_best and run.keep_model:
        keep(rung, network, at)
    error = _error(history, run)
    step = climb.start + history.step + 1
    recorder.log(
        step,
        quantity="network",
        width=width,
        status=history.status,
        steps=history.step,
        error=(error / zero) ** 2,
        target=(target / zero) ** 2,
        rates=_rounded(np.sort(rates(network))),
        parameters=sum(p.numel() for p in network.parameters()),
        ages=_ages(run),
        memory_before=before,
        memory=_memory(network, run),
    )
    for line in _perturbed(run, network, test):
        recorder.log(step, width=width, **line)
    tensors = {name: value.numpy(force=True) for name, value in network.state_dict().items()}
    recorder.save(f"width_{width}", tensors)
    return climb.above(history.step, error)


def _training(run: RecurrentRun, climb: Climb, target: float) -> Training:
    """Set a target for a rung, unless it starts from theory and is to use all its steps."""
    training = replace(run.training, seed=run.seed)
    if run.start is not None:
        return training
    if run.protocol is not None and climb.error is None:
        return replace(training, num_steps=min(run.protocol.first_steps, training.num_steps))
    return replace(training, target=target)


def _fitted(
    run: RecurrentRun, network: Any, split: FitData, training: Training, rung: Any
) -> tuple[History, int]:
    """Train in place, to the last step or the best evaluation; say which step that is."""
    import seq_torch
    from experiments.fitting import fit_recorded
    from experiments.recorder import Diverged

    fit = seq_torch.fit if run.protocol is None else on_plateaus(seq_torch.fit, run.protocol)
    best = BestModel() if run.takes_best else None
    start = {name: value.clone() for name, value in network.state_dict().items()}
    late = (
        nullcontext()
        if run.protocol is None
        else weighted(network, weights(run.length, run.late_weight))
    )
    kept = False if run.takes_best else run.keep_model
    try:
        with late:
            history = fit_recorded(
                fit, network, split, training, rung, keeper=best, keep_model=kept
            )
    except Diverged as diverged:
        step = rung.first + diverged.step
        raise Diverged(step, diverged.reason, width=rung.width, **diverged.facts) from None
    return history, (history.step if best is None else _take(network, start, best, history))


def _take(network: Any, start: dict[str, Any], best: BestModel, history: History) -> int:
    """Put the parameters of the best evaluation into place, if need be those of the start."""
    import torch

    if _rmse(history.evaluations[0]) <= -best.score:
        network.load_state_dict(start)
        return 0
    held = {name: torch.from_numpy(value) for name, value in best.tensors.items()}
    network.load_state_dict(held)
    return best.step


def _error(history: History, run: RecurrentRun) -> float:
    """Held-out error of the network that was taken."""
    errors = [_rmse(evaluation) for evaluation in history.evaluations]
    return min(errors) if run.takes_best else errors[-1]


def _rmse(evaluation: Evaluated) -> float:
    value = evaluation.metrics["rmse"]
    assert isinstance(value, float)
    return value


def _late(run: RecurrentRun, part: Dataset) -> Dataset:
    """Scale the targets as a weighted network's outputs are."""
    return replace(part, targets=part.targets * weights(run.length, run.late_weight))


def _perturbed(run: RecurrentRun, network: Any, test: Dataset) -> Iterator[dict[str, Any]]:
    """Give one line for each reading."""
    network = network if run.protocol is None else released(network)
    for reading in run.readings:
        errors = perturbed_errors(network, test, reading, run.betas, run.late_weight)
        yield {
            "quantity": "perturbation",
            "reading": canonical(reading),
            "betas": run.betas,
            "errors": [_rounded(row) for row in errors],
        }


def _memory(network: Any, run: RecurrentRun) -> list[float]:
    """Memory function from the state of zero; a network with biases comes to no rest before."""
    from seq_torch import array_model
    from seqtheory.memory_theory import memory_function

    model = array_model(network)
    whole = memory_function(model, run.length, channels=1, directions=2, check=())
    return _rounded(whole[_ages(run)])


def _ages(run: RecurrentRun) -> np.ndarray:
    """Choose the steps at which memory is recorded, about twenty to a decade."""
    return np.unique(np.round(np.geomspace(1, run.length, 60))).astype(int) - 1


def _rounded(values: np.ndarray) -> list[float]:
    """Six digits, for numbers of which a record holds thousands."""
    return [float(f"{value:.6g}") for value in values]
