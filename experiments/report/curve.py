"""Accuracy of one run while it trained: whether it passed, and whether it stood still."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.record import Record

SOLVED_ABOVE = 0.90
FLAT_BELOW = 0.02


@dataclass(frozen=True)
class Curve:
    """Held-out token accuracy of one run while it trained."""

    seed: int
    steps: tuple[int, ...]
    accuracies: tuple[float, ...]
    diverged: bool

    @property
    def best(self) -> float:
        """The best accuracy: the published rule stops at the first one above the threshold."""
        return max(self.accuracies)

    @property
    def passes(self) -> bool:
        """Whether it ever exceeded the threshold."""
        return self.best > SOLVED_ABOVE

    @property
    def first_pass(self) -> int:
        """Steps after which it first exceeded the threshold.

        Raises
        ------
        ValueError
            If it never did.
        """
        for step, accuracy in zip(self.steps, self.accuracies, strict=True):
            if accuracy > SOLVED_ABOVE:
                return step
        raise ValueError(f"seed {self.seed}: the best accuracy is {self.best}, no pass")

    @property
    def is_flat(self) -> bool:
        """Whether the best accuracy grew by less than 0.02 over the last third of the steps."""
        before = [
            a
            for s, a in zip(self.steps, self.accuracies, strict=True)
            if 3 * s <= 2 * self.steps[-1]
        ]
        return not self.diverged and self.best - max(before) < FLAT_BELOW


def curve(record: Record) -> Curve:
    """Read a run's curve from its record."""
    lines = [line for line in record.metrics if "token_accuracy" in line]
    return Curve(
        seed=record.run.seed,
        steps=tuple(line["step"] for line in lines),
        accuracies=tuple(line["token_accuracy"] for line in lines),
        diverged=record.status == "diverged",
    )
