"""Structured linear CDEs by their own rule or that of the published code, in either framework."""

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
"""Of Walker et al., arXiv 2505.17761, the second is the code at 76dd0dd, `models/slcde.py`."""


def check_rule(rule: object, transition: str) -> None:
    """Raise unless `rule` is known, and is the equation's where the step is not the published."""
    require_choice("rule", rule, ("own", "published"))  # type: ignore[arg-type]
    if rule == "published" and transition != "first_order":
        raise ValueError(
            f'rule="published" with a transition or step of {transition!r}: expected '
            '"first_order", the step of the published code.'
        )


def stored(structure: Structure, rule: Rule) -> Structure:
    """Structure of the parameters that a model holds: published sparse matrices are held whole."""
    whole = rule == "published" and isinstance(structure, Sparse)
    return Dense() if whole else structure


def step_power(structure: Structure, rule: Rule, name: str) -> float:
    """Power of the step by which a parameter is scaled: by the published rule always the first."""
    return 1.0 if rule == "published" else structure.degree.get(name, 1.0)


def start_scales(structure: Structure, rule: Rule, width: int) -> dict[str, float]:
    """Give the standard deviation of each stored parameter in a random draw.

    Published are 1 for the diagonal of a low-rank matrix and 1 / sqrt(rank) for its factors, and
    1 / sqrt(width), whatever the density, for sparse ones.
    """
    if rule == "published" and isinstance(structure, DiagonalPlusLowRank):
        structure.shapes(width)
        return {"diagonal": 1.0, "left": structure.rank**-0.5, "right": structure.rank**-0.5}
    return stored(structure, rule).scales(width)


@lru_cache(maxsize=32)
def kept(structure: Sparse, width: int, channels: int) -> Bool[np.ndarray, "channel width width"]:
    """Places of the published sparse matrices: each entry of each channel has a chance of its own.

    The chance is the density; the draw is that of the structure's seed.
    """
    chances = np.random.default_rng(structure.seed).random((channels, width, width))
    places = chances < structure.density
    places.setflags(write=False)
    return places
