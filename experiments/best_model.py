"""The best evaluation of a training, kept while the training goes on and through interruptions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from seqtheory.training import Evaluated, Event, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

_MODEL, _KEPT = "model.", "best."
_MEASURES = {"token_accuracy": 1.0, "rmse": -1.0}


class BestModel:
    """Parameters at the best evaluation after the first step; of equal ones, at the earliest.

    The best evaluation has the highest token accuracy or, if none is measured, the lowest root mean
    square error on the held-out data.

    Attributes
    ----------
    step, score
        Of the evaluation that is best so far; the score of an error is its negative.
    tensors
        The model's parameters at it, by the names that snapshots of either framework give them.
    """

    def __init__(self) -> None:
        self.step, self.score = 0, -math.inf
        self.tensors: dict[str, np.ndarray] = {}

    def see(self, event: Event) -> None:
        """Take notice of an event of a fit; `Stepped` follows the `Evaluated` of its step."""
        if not isinstance(event, Evaluated):
            if event.step == self.step > 0 and not self.tensors:
                self.tensors = _named(event.snapshot().tensors, _MODEL)
            return
        score = _score(event.metrics)
        if event.step > 0 and score > self.score:
            self.step, self.score, self.tensors = event.step, score, {}

    def packed(self, snapshot: Snapshot) -> Snapshot:
        """Put what is kept into a snapshot."""
        if not self.tensors:
            return snapshot
        kept = {_KEPT + name: value for name, value in self.tensors.items()}
        state = {**snapshot.state, "best": {"step": self.step, "score": self.score}}
        return replace(snapshot, tensors={**snapshot.tensors, **kept}, state=state)

    def unpacked(self, snapshot: Snapshot) -> Snapshot:
        """Take it out again: the inverse of `packed`."""
        state = dict(snapshot.state)
        if (facts := state.pop("best", None)) is None:
            return snapshot
        self.step, self.score = facts["step"], facts["score"]
        self.tensors = _named(snapshot.tensors, _KEPT)
        rest = {k: v for k, v in snapshot.tensors.items() if not k.startswith(_KEPT)}
        return replace(snapshot, tensors=rest, state=state)


def _score(metrics: Mapping[str, float | list[float]]) -> float:
    """Give the measure that decides, larger being better."""
    for name, sign in _MEASURES.items():
        value = metrics.get(name)
        if isinstance(value, float):
            return sign * value
    raise ValueError(f"got metrics {', '.join(metrics)}; expected {' or '.join(_MEASURES)}")


def _named(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Those whose names begin so, without that beginning."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
