"""Learning rates that fall when the held-out error no longer does, around a fit with fixed rates.

A fit's rates follow from the step alone. So a training on plateaus is a chain of fits: where the
rule asks for lower rates, the fit ends, and another goes on from its snapshot with these. The rule
is a function of the evaluations, which every snapshot holds: a training that was stopped goes on as
if it had not been.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from experiments.memory.protocol import Protocol
from seqtheory.training import Evaluated, Event, FitData, History, Snapshot, Training

_THRESHOLD = 1e-4  # a loss counts as lower if it is by this share
_RATES = ("learning_rate", "state_learning_rate")

Fit = Callable[..., History]


def reductions(losses: Sequence[float], patience: int) -> int:
    """How often the rates fell after these held-out losses, by the rule of ReduceLROnPlateau."""
    best, waited, count = float("inf"), 0, 0
    for loss in losses:
        if loss < best * (1 - _THRESHOLD):
            best, waited = loss, 0
        else:
            waited += 1
        if waited > patience:
            waited, count = 0, count + 1
    return count


def on_plateaus(fit: Fit, protocol: Protocol) -> Fit:
    """Return a fit that takes the same arguments and lowers its rates on plateaus."""

    def chained(
        model: Any,
        data: FitData,
        training: Training,
        *,
        on_event: Callable[[Event], None],
        resume: Snapshot | None = None,
    ) -> History:
        while True:
            losses = _losses(resume)
            leg = _leg(training, protocol, reductions(losses, protocol.patience))
            watch = _Watch(on_event, losses, protocol.patience)
            try:
                return fit(model, data, leg, on_event=watch, resume=_resumed(resume, leg))
            except _Lower as lower:
                resume = lower.snapshot

    return chained


class _Lower(Exception):  # noqa: N818 - a signal, no error
    """The rates are to fall from this snapshot on."""

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__("the rates are to fall")
        self.snapshot = snapshot


class _Watch:
    """Passes events on, and ends the fit at the step whose evaluation lowers the rates."""

    def __init__(
        self, on_event: Callable[[Event], None], losses: list[float], patience: int
    ) -> None:
        self._on_event, self._losses, self._patience = on_event, losses, patience
        self._count = reductions(losses, patience)

    def __call__(self, event: Event) -> None:
        self._on_event(event)
        if isinstance(event, Evaluated):
            if event.step > 0:
                self._losses.append(_loss(event.metrics))
        elif event.step < event.num_steps and self._fell():
            raise _Lower(event.snapshot())

    def _fell(self) -> bool:
        return reductions(self._losses, self._patience) > self._count


def _losses(resume: Snapshot | None) -> list[float]:
    """Held-out losses of a snapshot's evaluations; the published rule does not see the first."""
    if resume is None:
        return []
    return [_loss(metrics) for step, metrics in resume.state["evaluations"] if step > 0]


def _loss(metrics: Any) -> float:
    return float(metrics["rmse"]) ** 2


def _leg(training: Training, protocol: Protocol, count: int) -> Training:
    held = {name: getattr(training, name) for name in _RATES}
    lower = {name: rate * protocol.factor**count for name, rate in held.items() if rate is not None}
    return replace(training, **lower)


def _resumed(resume: Snapshot | None, leg: Training) -> Snapshot | None:
    """Say in a snapshot which rates it is resumed with; its other settings are checked as ever."""
    if resume is None:
        return None
    rates = {name: getattr(leg, name) for name in _RATES}
    training = {**resume.state["training"], **rates}
    return replace(resume, state={**resume.state, "training": training})
