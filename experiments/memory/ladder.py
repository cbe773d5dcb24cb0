"""Several trainings in one record, one after the other: the rungs of a ladder.

The steps of a record must grow. So each training writes through a `Rung`, which adds the steps of
the trainings before it and puts the state of the whole ladder into every checkpoint.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from experiments.recorder import Checkpoint, Recorder


@dataclass(frozen=True)
class Climb:
    """State of a ladder: the rung to train, its first step, and the error of the rung below it."""

    rung: int = 0
    start: int = 0
    error: float | None = None

    def above(self, steps: int, error: float) -> Climb:
        """State after a rung took `steps` steps; one more step is for its measurements."""
        return Climb(self.rung + 1, self.start + steps + 2, error)


def restored(recorder: Recorder) -> tuple[Climb, Checkpoint | None]:
    """Say where to go on, and the checkpoint of the training to resume, if one was under way."""
    found = recorder.restore()
    if found is None:
        return Climb(), None
    climb = Climb(**found.state["climb"])
    training = found.state["training"]
    if training is None:
        return climb, None
    return climb, replace(found, step=found.step - climb.start, state=training)


class Rung:
    """A recorder for one training of a ladder.

    Parameters
    ----------
    recorder
        That of the record.
    climb
        Where the ladder stands.
    found
        Checkpoint of this training to resume from.
    share
        Part of the ladder that this rung is: its place and their number.
    facts
        Added to each line of the metrics.
    """

    def __init__(
        self,
        recorder: Recorder,
        climb: Climb,
        found: Checkpoint | None,
        share: tuple[int, int],
        **facts: Any,
    ) -> None:
        self._recorder, self._climb, self._found = recorder, climb, found
        self._share, self._facts = share, facts
        self.notes: dict[str, Any] = {}

    @property
    def first(self) -> int:
        """First step of this training in the record."""
        return self._climb.start

    @property
    def width(self) -> int:
        """Width of the network, one of the facts."""
        return self._facts["width"]

    def restore(self) -> Checkpoint | None:
        """Give the checkpoint of this training."""
        return self._found

    def log(self, step: int, **metrics: Any) -> None:
        """Add a line, whose ``trained`` is the step of this training."""
        self._recorder.log(self._climb.start + step, **self._facts, trained=step, **metrics)

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self._recorder.due()

    def checkpoint(
        self, step: int, tensors: Mapping[str, np.ndarray], state: Mapping[str, Any]
    ) -> None:
        """Write a checkpoint of this training and of the ladder."""
        whole = {"climb": asdict(self._climb), "training": dict(state)}
        self._recorder.checkpoint(self._climb.start + step, tensors, whole)

    def progress(self, done: float, total: float) -> None:
        """Tell how far the ladder is."""
        place, count = self._share
        self._recorder.progress(place + done / total, count)

    def note(self, **facts: Any) -> None:
        """Keep facts about this training."""
        self.notes.update(facts)

    def save(self, name: str, tensors: Mapping[str, np.ndarray]) -> None:
        """Store arrays of this training, under a name that ends with its rung."""
        self._recorder.save(self._named(name), tensors)

    def keep_file(self, name: str, content: bytes) -> None:
        """Store the content of a file of this training, under a name that ends with its rung."""
        self._recorder.keep_file(self._named(name), content)

    def _named(self, name: str) -> str:
        return f"{name}_{self._facts['width']}"
