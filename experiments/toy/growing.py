"""A curriculum for integrals: walks of few long steps, then of more and shorter ones.

In a random model the features that see the order of three among many increments are lost among the
others, and training rests where it predicts zero. Among two or three increments they are not, and
the integral is one function of all these walks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from experiments.toy.fed import FedPaths
from seqtheory.checks import require_integer
from seqtheory.plain import described
from seqtheory.training import TaskStream

if TYPE_CHECKING:
    from seqtheory.dataset import Dataset

FEWEST = 2
"""Steps of a walk at the start of the training."""


@dataclass(frozen=True)
class GrowingPaths:
    """Fresh paths for each step of a training, that take more and more steps.

    Parameters
    ----------
    paths
        What is drawn at the end, without rest.
    over
        Steps of training over which the walks grow; from then on they take all their steps.

    Examples
    --------
    >>> from seqtheory.tasks import SignatureLabels
    >>> walks = SignatureLabels(length=6, basepoint=True, increments="brownian", normalise="none")
    >>> stream = GrowingPaths(FedPaths(walks, "values"), over=8)
    >>> [stream.moving(step) for step in range(10)]
    [2, 2, 2, 2, 3, 3, 4, 5, 5, 5]
    """

    paths: FedPaths
    over: int

    def __post_init__(self) -> None:
        require_integer("over", self.over, minimum=0)

    @property
    def description(self) -> str:
        """What decides the rows beside seed and step, as JSON."""
        return json.dumps(described(self), sort_keys=True)

    def moving(self, step: int) -> int:
        """Count the steps that walks take at a step of the training; short ones last longest."""
        steps = self.paths.walks.length - 1
        least = min(FEWEST, steps)
        if step >= self.over:
            return steps
        return least + (steps - least + 1) * step**2 // self.over**2

    def batch(self, rows: int, seed: int, step: int) -> Dataset:
        """Draw the rows of one step."""
        rest = self.paths.walks.length - 1 - self.moving(step)
        return TaskStream(replace(self.paths, rest=rest)).batch(rows, seed, step)
