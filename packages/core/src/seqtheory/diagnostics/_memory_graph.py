"""Which numbers of a state remember, and how they drive each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csgraph  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer

SHIFT = -1
"""Level of a number that does not feed back into itself."""


def memory_levels(
    jacobians: Float[np.ndarray, "sample n n"],
    *,
    transparent: Bool[np.ndarray, " n"] | None = None,
    tolerance: float = 1e-9,
) -> Integer[np.ndarray, " n"]:
    r"""Find the numbers of a state that feed back into themselves, and which of them feed others.

    Number j feeds number i where :math:`\partial h_i' / \partial h_j` is not zero for some sample.
    A number on no cycle of this relation is a shift, such as the window of a short convolution: it
    keeps an input for a few steps only.

    Parameters
    ----------
    jacobians
        Derivatives of the next state with respect to the state, at several states and inputs.
    transparent
        Further numbers to leave out: they get level -1, but connections through them count.
    tolerance
        Share of a sample's largest entry that counts as zero.

    Returns
    -------
    -1 for a shift; 0 for a number that remembers and is fed by no other cycle; 1 for a number fed
    by a cycle of level 0; and so on.

    Examples
    --------
    A window of two inputs in front of a leaky sum:

    >>> step = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 0.9]])
    >>> memory_levels(step[None]).tolist()
    [-1, -1, 0]
    """
    sizes = np.abs(as_array(jacobians, dtype=np.float64))
    largest = sizes.max(axis=(1, 2), keepdims=True, initial=0.0)
    feeds = (sizes > tolerance * largest).any(axis=0)  # [to, from]
    count, circle = _connected(feeds, "strong")
    between = np.zeros((count, count), dtype=bool)
    np.logical_or.at(between, (circle[:, None], circle[None, :]), feeds)
    remembers = between.diagonal().copy()
    if transparent is not None:
        remembers[circle[transparent]] = False
    np.fill_diagonal(between, False)
    depth = remembers.astype(np.int64)
    for _ in range(count):
        above = np.where(between, depth[None, :], 0).max(axis=1, initial=0)
        deeper = remembers + above
        if np.array_equal(deeper, depth):
            break
        depth = deeper
    return np.where(remembers[circle], depth[circle] - 1, SHIFT)


def components(feeds: Bool[np.ndarray, "n n"]) -> list[Integer[np.ndarray, " member"]]:
    """Divide numbers into sets without connections between them."""
    count, label = _connected(feeds, "weak")
    return [np.flatnonzero(label == each) for each in range(count)]


def _connected(feeds: Bool[np.ndarray, "n n"], kind: str) -> tuple[int, Integer[np.ndarray, " n"]]:
    found = csgraph.connected_components(feeds, directed=True, connection=kind)  # pyright: ignore
    return int(found[0]), np.asarray(found[1], dtype=np.int64)  # pyright: ignore
