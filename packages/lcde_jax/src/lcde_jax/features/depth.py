"""How deep a signature must be to carry the terminal state to a tolerance, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..paths import checked_paths
from .exact import ExactFeatures
from .signature import time_signatures
from .words import word_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

    from ..cde import LinearCDE

SAMPLE_SIZE = 64
MOST_WORDS = 6000  # beyond this the signature costs more than solving


def signature_depth(
    cde: LinearCDE, paths: Float[np.ndarray, "path time channel"], tolerance: float
) -> tuple[int, float]:
    r"""Smallest depth whose truncated features are within a tolerance of the exact ones.

    Parameters
    ----------
    cde
        The equation.
    paths
        `(path, time, channel)` without time; 64 of them, evenly spaced, are measured.
    tolerance
        Largest admissible tail.

    Returns
    -------
    The depth N and its tail, :math:`|y^{(N)} - y|_2 / |y|_2` over all sampled paths and all state
    variables, where y is exact and :math:`y^{(N)}` keeps the words of up to N letters.

    Raises
    ------
    ValueError
        If no depth of at most 6000 words meets the tolerance; the best tail is in the message.

    Notes
    -----
    One signature at the largest depth serves all smaller ones. The arithmetic is in float64.
    """
    check_tolerance(tolerance)
    paths = checked_paths(paths, cde.channels)
    return smallest_depth(truncation_tails((cde,), paths, tolerance), tolerance)


def smallest_depth(tails: Float[np.ndarray, " depth"], tolerance: float) -> tuple[int, float]:
    """First depth (tails begin with depth 1) within the tolerance, and its tail."""
    within = np.flatnonzero(tails <= tolerance)
    if not within.size:
        best = int(np.nanargmin(np.where(np.isnan(tails), np.inf, tails)))
        raise ValueError(
            f"got tolerance={tolerance:g}, but the best signature within {MOST_WORDS} words, "
            f"of depth {best + 1}, has a relative tail of {tails[best]:.2g}. Raise the tolerance, "
            "scale the paths down, or use method='exact'."
        )
    return int(within[0]) + 1, float(tails[within[0]])


def truncation_tails(
    cdes: Sequence[LinearCDE],
    paths: Float[np.ndarray, "path time channel"],
    tolerance: float,
    deepest: int | None = None,
) -> Float[np.ndarray, " depth"]:
    """Relative tail for the depths 1, 2, ..., the worst over the equations.

    The exact solution is one to a ten-thousandth of the tolerance, which halves its cost.
    """
    rows = np.unique(np.linspace(0, len(paths) - 1, SAMPLE_SIZE).astype(int))
    sample = np.asarray(paths[rows], np.float64)
    deepest = deepest or deepest_candidate(sample.shape[2] + 1)
    signatures = time_signatures(sample, deepest)
    exact = ExactFeatures(tuple(cdes), sample, 1e-4 * tolerance)(sample)
    return np.max(
        [
            _tails(*pair, sample[:, 0], signatures, deepest)
            for pair in zip(cdes, exact, strict=True)
        ],
        axis=0,
    )


def deepest_candidate(letters: int) -> int:
    """Largest depth with at most `MOST_WORDS` words, and at least 1."""
    depth = 1
    while sum(letters**length for length in range(1, depth + 2)) <= MOST_WORDS:
        depth += 1
    return depth


def check_tolerance(tolerance: float) -> None:
    """Refuse a tolerance that no truncation can be held to."""
    if not 0 < tolerance < float("inf"):
        raise ValueError(f"got tolerance={tolerance}, expected a positive number such as 1e-3.")


def _tails(
    cde: LinearCDE,
    exact: Float[np.ndarray, "path width"],
    start: Float[np.ndarray, "path channel"],
    signatures: Float[np.ndarray, "path word"],
    deepest: int,
) -> Float[np.ndarray, " depth"]:
    levels = word_levels(cde)
    weights = np.column_stack([np.ones(len(start)), start])
    features = weights @ next(levels)[0]
    tails, first, letters = np.empty(deepest), 0, cde.channels + 1
    with np.errstate(over="ignore", invalid="ignore"):  # a tail of inf or NaN meets no tolerance
        for depth in range(1, deepest + 1):
            last = first + letters**depth
            image = np.tensordot(signatures[:, first:last], next(levels), axes=1)
            features = features + np.einsum("bq,bqn->bn", weights, image)
            tails[depth - 1] = np.linalg.norm(features - exact) / np.linalg.norm(exact)
            first = last
    return tails
