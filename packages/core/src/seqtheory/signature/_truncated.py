r"""The signature up to a depth: every word, computed from the middle outwards.

Fix a split. In a word :math:`u\,i\,v` with :math:`|u| = a`, the letter i falls into some segment,
at some fraction s of it, so that

.. math:: S^{u i v}(X) = \sum_k d^i_k \int_0^1 S^u(X \text{ up to } (k, s)) \,
          S^v(X \text{ from } (k, s)) \, ds.

The integrand is a polynomial in s of degree below the depth, so Gauss-Legendre quadrature with
half as many nodes as the depth is exact. What remains is, per path, one matrix product of all u
against all iv with (segment, node) as inner axis: the words of the upper half of the levels, which
are nearly all of them, come from BLAS, and only words of half the length are carried along time.

Scratch arrays are `(word, path, [node,] segment)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.signature._algebra import level_sizes, multiply
from seqtheory.signature._arena import LINE, Arena
from seqtheory.signature._threads import share
from seqtheory.signature._validate import (
    as_depth,
    as_path,
    flatten,
    require_finite,
    require_words_fit,
)

if TYPE_CHECKING:
    from jaxtyping import Float

Real = NDArray[np.floating[Any]]
BLOCK_BYTES = 2**23  # of scratch for one block; a single segment of a single path may need more
PIECE_STEPS = 128  # segments taken at once; longer paths are joined by Chen's identity


def signature(
    path: Float[np.ndarray, "*lead time channel"], depth: int
) -> Float[np.ndarray, "*lead words"]:
    r"""All coefficients of the signature of a piecewise-linear path, up to a depth.

    .. math:: S^{(i_1,\dots,i_k)}(X)
              = \int_{0<t_1<\dots<t_k<T} dX^{i_1}_{t_1} \cdots dX^{i_k}_{t_k},
              \qquad 1 \le k \le \mathrm{depth}.

    Parameters
    ----------
    path
        Vertices in time order, at least two, finite. float32 or float64, kept; integers become
        float64.
    depth
        Greatest length of a word, at least 1.

    Returns
    -------
    ``channel + channel**2 + ... + channel**depth`` numbers per path: levels 1 to `depth`, words
    in lexicographic order within a level (`words` lists them, `word_index` finds one), without
    the leading 1. Exact up to rounding.

    Raises
    ------
    ValueError
        If the path has fewer than two vertices, no channel, NaN or infinity, or `depth` is below 1.
    TypeError
        If the path is not real, or `depth` no integer.
    MemoryError
        If the result does not fit this machine.

    Notes
    -----
    The paths are taken in blocks, which are shared among the process's threads (as many as
    `OMP_NUM_THREADS` says, or processors): beyond the result about 8 MiB of scratch are needed
    for each thread, however many paths there are and however long they are, unless a single
    segment of one path needs more, which takes about ``depth * channel**(depth / 2 + 1)`` numbers.

    Long words are products of many increments: coefficients of level n shrink like
    ``length**n / n!``, and the rounding error of each is relative to the sum of the sizes of its
    terms. In float32 expect 1e-6 of the largest coefficient of a level.

    References
    ----------
    I. Chevyrev and A. Kormilitzin, A Primer on the Signature Method in Machine Learning,
    arXiv:1603.03788. The split in the middle with exact quadrature is ours.

    Examples
    --------
    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> signature(corner, 2).tolist()
    [1.0, 1.0, 0.5, 1.0, 0.0, 0.5]
    """
    array, depth = as_path(path), as_depth(depth)
    paths, lead = flatten(array)
    num_paths, num_vertices, channels = paths.shape
    require_words_fit(channels, depth, paths.itemsize, max(num_paths, 1))
    out = np.empty((num_paths, sum(level_sizes(channels, depth))), paths.dtype)
    rows, steps = _block_shape(num_paths, num_vertices - 1, channels, depth, paths.itemsize)

    def work(starts: Sequence[int]) -> None:
        arena = Arena(paths.dtype)
        for first in starts:
            block, result = paths[first : first + rows], out[first : first + rows]
            for start in range(0, num_vertices - 1, steps):
                piece = block[:, start : start + steps + 1]
                require_finite(piece, first=first, start=start)
                arena.reset()
                if start == 0:
                    _piece_signature(piece, depth, arena, result)
                else:
                    joint = np.empty_like(result)
                    _piece_signature(piece, depth, arena, joint)
                    result[:] = multiply(result, joint, channels, depth)

    share(work, range(0, num_paths, rows))
    return out.reshape(*lead, out.shape[-1])


def _block_shape(
    num_paths: int, num_steps: int, channels: int, depth: int, itemsize: int
) -> tuple[int, int]:
    """Paths and segments that one block may hold within the budget."""
    left, right, nodes = _split(depth)
    # Horner's rule keeps every level below the last, hence the factor of two.
    words = 2 * sum(channels**n for n in range(left + 1))
    words += 2 * sum(channels**n for n in range(right + 2))
    budget = max(1, BLOCK_BYTES // (words * nodes * itemsize))
    steps = min(num_steps, PIECE_STEPS, budget)
    return max(1, min(num_paths, budget // _padded(steps, itemsize))), steps


def _padded(num_steps: int, itemsize: int) -> int:
    """Round up to whole cache lines."""
    line = LINE // itemsize
    return -(-num_steps // line) * line


def _split(depth: int) -> tuple[int, int, int]:
    """Length of u, greatest length of v, and the number of quadrature nodes."""
    return depth // 2, depth - depth // 2 - 1, (depth + 1) // 2


def _piece_signature(piece: Real, depth: int, arena: Arena, out: Real) -> None:
    """Write the signature of a block of short paths `(path, time, channel)` to `out`."""
    channels = piece.shape[-1]
    left, right, num_nodes = _split(depth)
    points, masses = np.polynomial.legendre.leggauss(num_nodes)
    nodes = ((1 + points) / 2).astype(piece.dtype)[:, None]
    masses = (masses / 2).astype(piece.dtype)[:, None]
    steps = _steps(piece, arena)
    before = _prefixes(steps, left, arena)
    offset = 0
    for running, last in before:
        total = running[..., -1] + last[..., -1]
        out[:, offset : offset + len(total)] = total.T
        offset += len(total)
    u = _at_nodes([p for p, _ in before], steps, nodes, left, arena)
    iv = _right_factors(steps, nodes, masses, right, arena)
    inner = num_nodes * steps.shape[-1]
    product = np.matmul(
        iv.reshape(-1, len(piece), inner).swapaxes(0, 1),
        u.reshape(-1, len(piece), inner).transpose(1, 2, 0),
    )
    if channels == 1:  # one word of each length, equal to its reversal
        out[:, offset:] = product[:, :, 0]
        return
    column = 0
    for length in range(1, right + 2):  # the letters of iv stand in reverse order
        size = channels**length
        part = product[:, column : column + size].reshape(len(piece), *(channels,) * length, -1)
        target = out[:, offset : offset + part[0].size]
        target[:] = part.transpose(0, length + 1, *range(length, 0, -1)).reshape(len(piece), -1)
        column, offset = column + size, offset + part[0].size


def _steps(piece: Real, arena: Arena) -> Real:
    """Increments `(channel, path, segment)`, padded with zeros, which change no signature."""
    num_paths, num_vertices, channels = piece.shape
    steps = arena.take(channels, num_paths, _padded(num_vertices - 1, piece.itemsize))
    values = piece.transpose(2, 0, 1)
    np.subtract(values[..., 1:], values[..., :-1], out=steps[..., : num_vertices - 1])
    steps[..., num_vertices - 1 :] = 0
    return steps


def _prefixes(
    steps: Real, depth: int, arena: Arena, backwards: bool = False
) -> list[tuple[Real, Real]]:
    """Per level: the signature up to the start of every segment, and what the segment adds.

    Backwards: of the path from the end of every segment on, with words read from right to left.
    """
    levels: list[tuple[Real, Real]] = []
    for level in range(1, depth + 1):
        gain = _horner([running for running, _ in levels], steps, level, arena)
        running = arena.take(*gain.shape)
        source, target = (gain, running) if not backwards else (gain[..., ::-1], running[..., ::-1])
        target[..., 0] = 0
        source[..., :-1].cumsum(axis=-1, out=target[..., 1:])
        levels.append((running, gain))
    return levels


def _horner(prefixes: list[Real], steps: Real, level: int, arena: Arena) -> Real:
    r"""Compute what a straight segment adds to a level: Chen's identity by Horner's rule.

    .. math:: (\dots((\tfrac{d}{n} + P_1) \otimes \tfrac{d}{n-1} + P_2) \otimes \dots) \otimes d
    """
    scale = steps.dtype.type
    total = arena.take(*steps.shape)
    np.multiply(steps, scale(1 / level), out=total)
    for length in range(1, level):
        total += prefixes[length - 1]
        factor = steps
        if level - length > 1:
            factor = arena.take(*steps.shape)
            np.multiply(steps, scale(1 / (level - length)), out=factor)
        longer = arena.take(len(total), *steps.shape)
        np.multiply(total[:, None], factor, out=longer)
        total = longer.reshape(-1, *steps.shape[1:])
    return total


def _at_nodes(prefixes: list[Real], steps: Real, nodes: Real, level: int, arena: Arena) -> Real:
    """One level of the signature at fractions of every segment, `(word, path, node, segment)`."""
    num_channels, num_paths, num_steps = steps.shape
    partial = arena.take(num_channels, num_paths, len(nodes), num_steps)
    if level == 0:
        ones = partial[:1]
        ones[:] = 1
        return ones
    np.multiply(steps[:, :, None], nodes, out=partial)
    expanded = [prefix[:, :, None] for prefix in prefixes]
    total = _horner(expanded, partial, level, arena)
    total += expanded[level - 1]
    return total


def _right_factors(steps: Real, nodes: Real, masses: Real, depth: int, arena: Arena) -> Real:
    """Mass of the node times d^i times the signature from the node on, for all iv, reversed."""
    channels, num_paths, num_steps = steps.shape
    shape = (num_paths, len(nodes), num_steps)
    after = [p for p, _ in _prefixes(steps, depth, arena, backwards=True)]
    factors = arena.take(sum(channels**n for n in range(1, depth + 2)), *shape)
    weighted = factors[:channels]
    np.multiply(steps[:, :, None], masses, out=weighted)
    offset = channels
    for level in range(1, depth + 1):
        v = _at_nodes(after, steps, 1 - nodes, level, arena)
        size = channels ** (level + 1)
        target = factors[offset : offset + size].reshape(len(v), channels, *shape)
        np.multiply(v[:, None], weighted, out=target)
        offset += size
    return factors
