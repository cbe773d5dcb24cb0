"""How a rung of a ladder starts and is trained: from theory, or as the published code does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seqtheory.checks import require_fraction, require_integer, require_positive
from seqtheory.plain import added

# Fields of a run that joined later: runs that leave them at these values retain their hashes.
an_rnn: Any = added("rnn")
no_start: Any = added(None)
no_protocol: Any = added(None)


@dataclass(frozen=True, kw_only=True)
class TheoryStart:
    """Start from the modes of linear theory, read out by least squares.

    Gradients may only improve on an approximation that is there: the best evaluation is taken, the
    one before the first step included. So where every rung but the first starts below the error
    from which on all are as good (`experiments.memory.trained_curves.FLOOR`), none has learnt less
    than the one below it, and the ladder is decided.

    Parameters
    ----------
    slowest
        Smallest rate of each width; the others are spaced geometrically up to `fastest`.
    fastest
        Largest rate, per step.
    """

    slowest: tuple[float, ...]
    fastest: float = 2.0

    def __post_init__(self) -> None:
        require_positive("fastest", self.fastest)
        for rate in self.slowest:
            require_positive("slowest", rate)

    def check(self, widths: tuple[int, ...]) -> None:
        """Raise unless there is a rate for each of the widths."""
        if len(self.slowest) != len(widths) or max(self.slowest) >= self.fastest:
            raise ValueError(
                f"start.slowest={self.slowest}: expected one rate below fastest={self.fastest} "
                f"for each of the widths {widths}"
            )


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """What the published code does otherwise than this study.

    Weights start from N(0, 1). The loss counts late steps as perturbed errors do, and has a
    regulariser. The best evaluation is taken. Weights behind a rectifier are perturbed without it,
    so that a mode may come to grow.

    Parameters
    ----------
    first_steps
        Steps of the narrowest network. Its loss has to come below 100, as it does at once, so it
        is trained for the two epochs that are the least.
    patience, factor
        Where the held-out loss has not come down by a share of 1e-4 for more than `patience`
        evaluations, the rates are multiplied by `factor` (torch's ReduceLROnPlateau).
    margin
        Factor of the regulariser (see `experiments.memory.margin`): 0.01 or 0.1, by version of the
        code. The recurrence called LRU goes without: its published margin is not that of its modes.
    """

    first_steps: int = 500
    patience: int = 10
    factor: float = 0.1
    margin: float = 0.01

    def __post_init__(self) -> None:
        require_integer("first_steps", self.first_steps, minimum=1)
        require_integer("patience", self.patience, minimum=0)
        require_fraction("factor", self.factor)
        require_positive("margin", self.margin, zero_allowed=True)
