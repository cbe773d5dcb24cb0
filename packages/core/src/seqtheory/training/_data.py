"""The data of a training, and checks against its loss."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.dataset import Dataset
from seqtheory.training._curriculum import SHORTEST_MIXED, Course
from seqtheory.training._stream import Stream, fresh_rows

if TYPE_CHECKING:
    from seqtheory.training._training import Training

_SAMPLE = 64  # rows of a stream that stand for all


@dataclass(frozen=True, eq=False)
class FitData:
    """Data sets to train on and to evaluate on.

    Parameters
    ----------
    train
        Rows to learn from, or a `Stream` of them, from which every step draws new ones.
    held_out
        Rows to evaluate; none of them should be in `train`.
    auxiliary
        Further rows to learn from; each step takes a batch of them besides one of `train`.
    """

    train: Dataset | Stream
    held_out: Dataset
    auxiliary: Dataset | None = None

    def check(self, training: Training) -> None:
        """Raise unless these data fit the training's loss and each other.

        Raises
        ------
        TypeError
            If targets are no classes (``"cross_entropy"``) or no real numbers
            (``"squared_error"``).
        ValueError
            If a class is negative, a mask hides a whole row, the parts have different kinds of
            inputs or targets, or the words do not suit the curriculum; the message names the part
            and the row.
        """
        sample = self.sample
        for name, part in self.parts():
            if training.loss == "cross_entropy":
                _check_classes(name, part)
            elif part.targets.dtype.kind not in "fiu":
                raise TypeError(
                    f"{name}.targets have dtype {part.targets.dtype}, expected real numbers for "
                    "loss='squared_error'."
                )
            _check_mask(name, part)
            _check_like(name, part, sample)
        if not Course.of(training, sample).is_whole:
            _check_positions(sample, self.held_out, training)

    def digest(self) -> str:
        """Sixteen hexadecimal digits that identify these data."""
        total = hashlib.blake2b(digest_size=8)
        if not isinstance(self.train, Dataset):
            total.update(f"train {self.train.description};".encode())
        for name, part in self.parts():
            held = [(name, array) for array in (part.inputs, part.targets, part.mask)]
            for label, array in [*held, (f"{name}.scored", part.scored)]:
                if array is not None:
                    total.update(f"{label} {array.dtype.str} {array.shape};".encode())
                    total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()

    @property
    def sample(self) -> Dataset:
        """What is learnt from; of a stream some rows that stand for all."""
        if isinstance(self.train, Dataset):
            return self.train
        return fresh_rows(self.train, _SAMPLE, 0, 0)

    def parts(self) -> list[tuple[str, Dataset]]:
        """Name and rows of each part that is not None; of a stream its `sample`."""
        parts = [("train", self.sample), ("held_out", self.held_out)]
        return parts if self.auxiliary is None else [*parts, ("auxiliary", self.auxiliary)]


def _check_classes(name: str, part: Dataset) -> None:
    targets = part.targets
    if targets.dtype.kind not in "iu":
        raise TypeError(
            f"{name}.targets have dtype {targets.dtype}, expected integer classes for "
            "loss='cross_entropy'. For real targets use loss='squared_error'."
        )
    if targets.ndim not in (1, 2):
        raise ValueError(
            f"{name}.targets have shape {targets.shape}, expected (batch, time) or (batch,): one "
            "class per position or per sequence."
        )
    if targets.ndim == 2 and targets.shape[1] == 0:
        raise ValueError(f"{name}.targets have shape {targets.shape}: no positions to learn.")
    if part.mask is not None and targets.ndim == 2 and targets.shape != part.mask.shape:
        raise ValueError(
            f"{name}.targets have shape {targets.shape} but the mask {part.mask.shape}; they must "
            "be equal, one class per position."
        )
    if part.counted is not None and targets.ndim == 2:
        targets = np.where(part.counted, targets, 0)
    if targets.min() < 0:
        row = int(np.argmax((targets < 0).reshape(len(targets), -1).any(axis=1)))
        raise ValueError(
            f"{name}.targets[{row}] holds the class {targets[row].min()}; classes start at 0. Say "
            "with scored which positions count."
        )


def _check_mask(name: str, part: Dataset) -> None:
    for kind, mask in (("mask", part.mask), ("scored", part.scored)):
        if mask is not None and not (rows := mask.any(axis=1)).all():
            raise ValueError(
                f"{name}.{kind} is False throughout row {int(np.argmin(rows))}: nothing there can "
                "be learnt or scored. Drop such rows first."
            )


def _check_like(name: str, part: Dataset, train: Dataset) -> None:
    for kind, array, like in (
        ("inputs", part.inputs, train.inputs),
        ("targets", part.targets, train.targets),
    ):
        # Only the time axis may have another length: auxiliary words are short, held-out ones long.
        if array.ndim != like.ndim or array.shape[2:] != like.shape[2:]:
            raise ValueError(
                f"{name}.{kind} have shape {array.shape} but train.{kind} {like.shape}; only the "
                "first two axes, rows and time, may differ in length."
            )
        if (array.dtype.kind in "fc") != (like.dtype.kind in "fc"):
            raise TypeError(
                f"{name}.{kind} have dtype {array.dtype} but train.{kind} {like.dtype}: one is "
                "integer, the other not. Convert one of them."
            )


def _check_positions(train: Dataset, held_out: Dataset, training: Training) -> None:
    """Raise unless the first positions of the words can be learnt, and their accuracy measured."""
    curriculum = training.curriculum
    setting = "lengths='mixed'" if curriculum is None else "a curriculum"
    if train.targets.ndim < 2 or train.targets.shape[1] != train.inputs.shape[1]:
        raise ValueError(
            f"train.targets have shape {train.targets.shape} for inputs of shape "
            f"{train.inputs.shape}, and {setting} needs a target at every position: (batch, time). "
            "Leave it out, or learn from targets along time."
        )
    length, least = train.targets.shape[1], SHORTEST_MIXED
    if curriculum is not None:
        least = curriculum.start if training.lengths == "whole" else SHORTEST_MIXED
        if held_out.targets.shape[1] < length:
            raise ValueError(
                f"held_out.targets have shape {held_out.targets.shape}, and a curriculum over the "
                f"{length} positions of train needs the accuracy at each. Hold out longer words."
            )
        if curriculum.start > length:
            raise ValueError(
                f"curriculum.start={curriculum.start} is more than the {length} positions of a "
                "word. Start lower, or learn from longer words."
            )
    if least > length:
        raise ValueError(f"{setting} needs words of {least} positions, and these have {length}.")
    counted = train.counted
    if counted is not None and not (rows := counted[:, :least].any(axis=1)).all():
        raise ValueError(
            f"no target counts in the first {least} positions of train row {int(np.argmin(rows))}, "
            f"so {setting} could learn nothing from it. Start at more positions."
        )
