"""The best evaluation of a training, kept while the training goes on and through interruptions."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from seqtheory.training import Evaluated, Event, Snapshot

if TYPE_CHECKING:
    import numpy as np

_MODEL, _KEPT = "model.", "best."


class BestModel:
    """Parameters at the highest held-out accuracy after the first step; of equals, the earliest.

    Attributes
    ----------
    step, accuracy
        Of the evaluation that is best so far.
    tensors
        The model's parameters at it, by the names that snapshots of either framework give them.
    """

    def __init__(self) -> None:
        self.step, self.accuracy = 0, -math.inf
        self.tensors: dict[str, np.ndarray] = {}

    def see(self, event: Event) -> None:
        """Take notice of an event of a fit; `Stepped` follows the `Evaluated` of its step."""
        if not isinstance(event, Evaluated):
            if event.step == self.step > 0 and not self.tensors:
                self.tensors = _named(event.snapshot().tensors, _MODEL)
            return
        accuracy = event.metrics["token_accuracy"]
        if event.step > 0 and isinstance(accuracy, float) and accuracy > self.accuracy:
            self.step, self.accuracy, self.tensors = event.step, accuracy, {}

    def packed(self, snapshot: Snapshot) -> Snapshot:
        """Put what is kept into a snapshot."""
        if not self.tensors:
            return snapshot
        kept = {_KEPT + name: value for name, value in self.tensors.items()}
        state = {**snapshot.state, "best": {"step": self.step, "accuracy": self.accuracy}}
        return replace(snapshot, tensors={**snapshot.tensors, **kept}, state=state)

    def unpacked(self, snapshot: Snapshot) -> Snapshot:
        """Take it out again: the inverse of `packed`."""
        state = dict(snapshot.state)
        if (facts := state.pop("best", None)) is None:
            return snapshot
        self.step, self.accuracy = facts["step"], facts["accuracy"]
        self.tensors = _named(snapshot.tensors, _KEPT)
        rest = {k: v for k, v in snapshot.tensors.items() if not k.startswith(_KEPT)}
        return replace(snapshot, tensors=rest, state=state)


def _named(tensors: dict[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Those whose names begin so, without that beginning."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
