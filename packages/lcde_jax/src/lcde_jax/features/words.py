"""The terminal state of a linear CDE as a linear image of the signature of its driver."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from ..structure import Dense, Diagonal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jaxtyping import Float
    from numpy.typing import DTypeLike

    from ..cde import LinearCDE


def word_levels(
    cde: LinearCDE, dtype: DTypeLike = np.float64
) -> Iterator[Float[np.ndarray, "word one_and_channel width"]]:
    r"""Vectors that weigh the words of length 0, 1, 2, ... in the terminal state.

    .. math:: y_T = \sum_w S^w \, V_w (1, x_0), \qquad V_\emptyset = (d, C), \qquad
              V_{i} = A_i V_\emptyset + (B_i, 0), \qquad V_{w i} = A_i V_w .

    Parameters
    ----------
    cde
        The equation, with `channels` data channels.
    dtype
        Type of the result and of the products.

    Yields
    ------
    For each length, without end, one row per word in lexicographic order (the order of
    `seqtheory.signature.signature`); per row the columns of `V_w`, for 1 and for each of `x_0`.

    Notes
    -----
    A word costs one product of a matrix with `1 + channels` vectors; no product of two matrices
    is formed.

    References
    ----------
    Cirone et al., arXiv 2402.19047, Proposition B.4, extended by the forcing term.
    """
    append_letter = _letters(cde, dtype)
    empty = np.column_stack([np.asarray(cde.d, dtype), np.asarray(cde.C, dtype)]).T[None]
    yield empty
    level = append_letter(empty)
    if cde.B is not None:
        level[:, 0] += np.asarray(cde.B, dtype).T
    while True:
        yield level
        level = append_letter(level)


def word_matrices(
    cde: LinearCDE, depth: int, dtype: DTypeLike = np.float64
) -> Float[np.ndarray, "word one_and_channel width"]:
    """Rows of `word_levels` for the words of length 0 to `depth`, one below the other."""
    return np.concatenate(list(islice(word_levels(cde, dtype), depth + 1)))


def _letters(cde: LinearCDE, dtype: DTypeLike) -> Callable[[np.ndarray], np.ndarray]:
    """Act with every letter's matrix on every word; the new letter varies fastest."""
    structure = cde.structure
    named = {name: np.asarray(value, dtype) for name, value in cde.parameters.items()}

    def moved(level: Float[np.ndarray, "word column width"]) -> list[np.ndarray]:
        letters = range(cde.channels + 1)
        if isinstance(structure, Dense):
            return [level @ named["matrix"][i].T for i in letters]
        if isinstance(structure, Diagonal):
            return [level * named["diagonal"][i] for i in letters]
        parts = [{name: value[i] for name, value in named.items()} for i in letters]
        return [structure.apply(part, level).astype(dtype) for part in parts]

    def append_letter(
        level: Float[np.ndarray, "word column width"],
    ) -> Float[np.ndarray, "longer_word column width"]:
        return np.stack(moved(level), axis=1).reshape(-1, *level.shape[1:])

    return append_letter
