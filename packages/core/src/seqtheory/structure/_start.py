"""From which matrices a trained recurrence may start, in either framework."""

from __future__ import annotations

from seqtheory.checks import require_choice
from seqtheory.structure._blocks import BlockDiagonal, Dense, Diagonal
from seqtheory.structure._contract import Structure
from seqtheory.structure._low_rank import DiagonalPlusLowRank
from seqtheory.structure._walsh_hadamard import WalshHadamard

WITH_ORTHOGONAL = (Dense, BlockDiagonal, Diagonal, DiagonalPlusLowRank, WalshHadamard)
"""Structures that hold random orthogonal matrices."""


def check_initial(structure: Structure, transition: str, initial: str) -> None:
    """Raise unless matrices of this structure and kind of transition can start so."""
    require_choice("initial", initial, ("random", "orthogonal"))
    if initial == "orthogonal" and transition != "direct":
        raise ValueError(
            f'initial="orthogonal" with transition={transition!r}: expected "direct", '
            "whose parameters are the matrices themselves."
        )
    if initial == "orthogonal" and not isinstance(structure, WITH_ORTHOGONAL):
        known = ", ".join(kind.__name__ for kind in WITH_ORTHOGONAL)
        raise ValueError(
            f'initial="orthogonal" with structure={structure}: expected one of {known}.'
        )
