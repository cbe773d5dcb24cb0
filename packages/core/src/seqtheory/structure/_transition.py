"""Checks of how a recurrence forms its transition from a structured matrix."""

from __future__ import annotations

from seqtheory.structure._blocks import BlockDiagonal, Dense, Diagonal
from seqtheory.structure._contract import Structure
from seqtheory.structure._one_hot import OneHotDiagonal

WITH_EXPONENTIAL = (Dense, Diagonal, BlockDiagonal)
"""Structures that the matrix exponential preserves."""


def check_transition(structure: object, transition: str) -> None:
    """Raise unless `structure` is a `Structure` that allows this kind of transition."""
    if not isinstance(structure, Structure):
        raise TypeError(
            f"structure={structure!r}: expected Dense() or another of "
            "seqtheory.structure, such as BlockDiagonal(block_size=4)."
        )
    if isinstance(structure, OneHotDiagonal) and transition != "direct":
        raise ValueError(
            f"structure={structure} is no vector field, so transition={transition!r} means nothing "
            "for it; use transition='direct'."
        )
    if transition == "exponential" and not isinstance(structure, WITH_EXPONENTIAL):
        raise ValueError(
            f"structure={structure}: the exponential of such a matrix is dense; use "
            "transition='first_order'."
        )
