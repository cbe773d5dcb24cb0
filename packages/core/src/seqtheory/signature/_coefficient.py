"""One coefficient of the signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.signature._arena import LINE, Arena
from seqtheory.signature._short_words import three_letters, two_letters
from seqtheory.signature._threads import share
from seqtheory.signature._validate import as_path, as_word, flatten, require_finite

if TYPE_CHECKING:
    from jaxtyping import Float

Real = NDArray[np.floating[Any]]
BLOCK_BYTES = 2**19  # of one scratch array: larger blocks hand the interpreter over less often


def coefficient(
    path: Float[np.ndarray, "*lead time channel"], word: tuple[int, ...]
) -> Float[np.ndarray, "*lead"]:
    r"""One coefficient of the signature of a piecewise-linear path.

    For a word :math:`w = (i_1, \dots, i_k)` this is the iterated integral

    .. math:: S^{w}(X) = \int_{0<t_1<\dots<t_k<T} dX^{i_1}_{t_1} \cdots dX^{i_k}_{t_k}.

    Parameters
    ----------
    path
        Vertices in time order, at least two, finite. The value depends on the order of the
        vertices and not on their spacing in time, and translating the path leaves it unchanged.
        float32 or float64, kept; integers become float64. Unit: any; the result has the product
        of the units of the channels in `word`.
    word
        Channel numbers, each in ``range(channel)``. The empty word gives 1.

    Returns
    -------
    One number per path, exact up to rounding: a straight segment with increment :math:`d`
    contributes :math:`d^{i_1} \cdots d^{i_k} / k!`, and segments are joined by Chen's identity,
    so there is no discretisation error.

    Raises
    ------
    ValueError
        If `word` uses a channel that the path lacks, or the path has fewer than two vertices,
        no channel, NaN or infinity.
    TypeError
        If the path is not real, or `word` not a tuple of integers.

    Notes
    -----
    Costs O(time * len(word)^2) per path. Paths are taken in blocks that stay in cache, shared
    among the process's threads (as many as `OMP_NUM_THREADS` says, or processors): beyond its
    result the function needs at most 512 KiB per thread times
    ``len(word) + 2 * (number of different channels in word) + 1`` (and at least four), however
    many paths there are and however long they are. (Leading axes that cannot be joined without a
    copy, as in a broadcast view, are copied.)

    Words of two and three letters, the labels of signature tasks, are single sums over time. For
    longer words every prefix is one running sum, so that rounding errors grow with the number of
    vertices and of letters; where the coefficient is a small difference of large terms, use
    float64.

    References
    ----------
    K.-T. Chen, Annals of Mathematics 65 (1957).
    I. Chevyrev and A. Kormilitzin, A Primer on the Signature Method in Machine
    Learning, arXiv:1603.03788.

    Examples
    --------
    Go right, then up: "right before up" has area one, "up before right" has none.

    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> float(coefficient(corner, (0, 1))), float(coefficient(corner, (1, 0)))
    (1.0, 0.0)
    """
    array = as_path(path)
    letters = as_word(word, array.shape[-1])
    paths, lead = flatten(array)
    num_paths, num_vertices, _ = paths.shape
    out = np.empty(num_paths, paths.dtype)
    rows, steps = _block_shape(num_paths, num_vertices, paths.itemsize)
    # NaN and infinity reach the result from every channel of the word, so that a finite result
    # proves the path finite where the word uses all of them. One letter sees the two ends alone.
    proven = len(letters) > 1 and len(set(letters)) == paths.shape[-1]

    def work(starts: Sequence[int]) -> None:
        arena = Arena(paths.dtype)
        for first in starts:
            block = paths[first : first + rows]
            result = _block_coefficient(block, letters, steps, arena)
            if not (proven and np.isfinite(result).all()):
                for start in range(0, num_vertices, steps):
                    require_finite(block[:, start : start + steps], first=first, start=start)
            out[first : first + rows] = result

    with np.errstate(invalid="ignore"):  # inf - inf: reported by require_finite, with its place
        share(work, range(0, num_paths, rows))
    return out.reshape(lead)[()]


def _block_coefficient(block: Real, word: tuple[int, ...], steps: int, arena: Arena) -> Real:
    """Coefficient of every path of a block, `steps` segments at a time."""
    prefixes = np.zeros((len(word) + 1, len(block)), block.dtype)
    prefixes[0] = 1
    for start in range(0, block.shape[1] - 1 if word else 0, steps):
        piece = block[:, start : start + steps + 1]
        arena.reset()
        if len(word) == 2:
            prefixes[-1] += two_letters(piece, block[:, 0], word, arena)
        elif len(word) == 3:
            prefixes[-1] += three_letters(piece, block[:, 0], block[:, -1], word, arena)
        else:
            _advance(prefixes, piece, block[:, 0], word, arena)
    return prefixes[-1]


def _block_shape(num_paths: int, num_vertices: int, itemsize: int) -> tuple[int, int]:
    """Paths and segments in a block: whole cache lines of paths where there are enough."""
    budget, line = BLOCK_BYTES // itemsize, LINE // itemsize
    rows = max(1, budget // num_vertices)
    if rows > line:
        rows -= rows % line
    return max(1, min(num_paths, rows)), budget


def _advance(
    prefixes: Real, piece: Real, origin: Real, word: tuple[int, ...], arena: Arena
) -> None:
    r"""Carry the coefficients of all prefixes of the word over one more piece of the paths.

    Over a segment with increment d, Chen's identity adds to the prefix of length j

    .. math:: d_j (P_{j-1} + \tfrac{d_{j-1}}{2} (P_{j-2} + \dots + \tfrac{d_1}{j})),

    where :math:`P_i` belongs to the start of the segment: a running sum over time per prefix.
    """
    num_steps, num_paths = piece.shape[1] - 1, len(piece)
    steps: dict[int, Real] = {}
    running: list[Real] = [np.empty(0)]
    for letter in dict.fromkeys(word):
        values = arena.take(num_steps + 1, num_paths)
        np.copyto(values, piece[:, :, letter].T)  # faster than subtracting on the way
        values -= origin[:, letter]
        steps[letter] = arena.take(num_steps, num_paths)
        np.subtract(values[1:], values[:-1], out=steps[letter])
        if letter == word[0]:  # P_1 is the displacement itself, free of summation error
            running.append(values[:-1])
            prefixes[1] = values[-1]
    gain = arena.take(num_steps, num_paths)
    for length in range(2, len(word) + 1):
        _gains(gain, running, [steps[letter] for letter in word[:length]])
        if length < len(word):
            running.append(arena.take(num_steps, num_paths))
            running[length][0] = prefixes[length]
            gain[:-1].cumsum(axis=0, out=running[length][1:])
            running[length][1:] += prefixes[length]
            prefixes[length] = running[length][-1] + gain[-1]
        else:
            prefixes[length] += gain.sum(axis=0)


def _gains(gain: Real, running: list[Real], steps: list[Real]) -> None:
    """Fill `gain` with what every segment adds to a prefix, by Horner's rule."""
    length = len(steps)
    scale = gain.dtype.type
    np.multiply(steps[0], scale(1 / length), out=gain)
    for i in range(1, length):
        gain += running[i]
        gain *= steps[i]
        if length - i > 1:
            gain *= scale(1 / (length - i))
