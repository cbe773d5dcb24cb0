"""Shapes that the state matrices of a linear CDE can take."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class Dense:
    """Full matrices with independent entries N(0, 1 / width).

    The random family whose linear readouts are dense in the continuous path functionals
    (Cirone et al., arXiv 2402.19047, Theorems 4.1 and 4.2).
    """

    def shape(self, width: int) -> tuple[int, ...]:
        """Shape of one state matrix as it is stored."""
        return (width, width)

    def scale(self, width: int) -> float:
        """Give the standard deviation of an entry."""
        return 1 / sqrt(width)


@dataclass(frozen=True)
class Diagonal:
    """Diagonal matrices with independent entries N(0, 1).

    They commute, so the state sees only increments of the driving path between two times
    (Cirone et al., arXiv 2402.19047, Theorem 4.3). Entries are not scaled with the width:
    each is a scalar equation of its own.
    """

    def shape(self, width: int) -> tuple[int, ...]:
        """Shape of one state matrix as it is stored: its diagonal."""
        return (width,)

    def scale(self, width: int) -> float:
        """Give the standard deviation of an entry, whatever the width."""
        return 1.0


Structure = Dense | Diagonal
