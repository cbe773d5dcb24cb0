"""Structured linear CDEs by this package's rule or by that of the published code."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from seqtheory.checks import require_choice
from seqtheory.structure._blocks import Dense
from seqtheory.structure._contract import Structure
from seqtheory.structure._low_rank import DiagonalPlusLowRank
from seqtheory.structure._sparse import Sparse

if TYPE_CHECKING:
    from jaxtyping import Bool

Rule: TypeAlias = Literal["own", "published"]
"""This package's rule, or that of Walker et al., arXiv 2505.17761 (`models/slcde.py`, 76dd0dd)."""


def check_rule(rule: object, transition: str) -> None:
    """Raise unless `rule` is "own", or "published" with the first-order step of that code."""
    require_choice("rule", rule, ("own", "published"))  # type: ignore[arg-type]
    if rule == "published" and transition != "first_order":
        raise ValueError(
            f'rule="published" with a transition or step of {transition!r}: expected '
            '"first_order", the step of the published code.'
        )


def stored(structure: Structure, rule: Rule) -> Structure:
    """Structure of a model's parameters: sparse matrices are stored dense by the published rule."""
    whole = rule == "published" and isinstance(structure, Sparse)
    return Dense() if whole else structure


def step_power(structure: Structure, rule: Rule, name: str) -> float:
    """Power of the step that multiplies a parameter; 1 for all of them by the published rule."""
    return 1.0 if rule == "published" else structure.degree.get(name, 1.0)


def start_scales(structure: Structure, rule: Rule, width: int) -> dict[str, float]:
    """Give the standard deviation of each stored parameter in a random draw.

    By the published rule it is 1 for the diagonal of a low-rank matrix, 1 / sqrt(rank) for its
    factors, and 1 / sqrt(width) for sparse matrices of any density.
    """
    if rule == "published" and isinstance(structure, DiagonalPlusLowRank):
        structure.shapes(width)
        return {"diagonal": 1.0, "left": structure.rank**-0.5, "right": structure.rank**-0.5}
    return stored(structure, rule).scales(width)


@lru_cache(maxsize=32)
def kept(structure: Sparse, width: int, channels: int) -> Bool[np.ndarray, "channel width width"]:
    """Draw the positions of entries of published sparse matrices, for each channel anew.

    Each entry is present with probability `structure.density`, independently, from
    `structure.seed`.
    """
    chances = np.random.default_rng(structure.seed).random((channels, width, width))
    places = chances < structure.density
    places.setflags(write=False)
    return places
