"""The logarithm of the signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.signature._algebra import power_series
from seqtheory.signature._truncated import signature
from seqtheory.signature._validate import as_depth
from seqtheory.signature._words import lyndon_words, word_index

if TYPE_CHECKING:
    from jaxtyping import Float


def log_signature(
    path: Float[np.ndarray, "*lead time channel"], depth: int, *, expanded: bool = False
) -> Float[np.ndarray, "*lead words"]:
    r"""Logarithm of the signature, which holds its information without redundancy.

    .. math:: \log S = \sum_{n \ge 1} \frac{(-1)^{n+1}}{n} (S - 1)^{\otimes n}

    Parameters
    ----------
    path
        Vertices in time order, ``(..., time, channel)``, at least two, finite.
    depth
        Greatest length of a word, at least 1.
    expanded
        False: the coefficients of :math:`\log S` at the Lyndon words alone, in the order of
        `lyndon_words`. True: at all words, in the layout of `signature`.

    Returns
    -------
    Per path as many numbers as the free Lie algebra has dimensions (Witt): 2, 1, 2, 3, 6 per
    level for two channels, 3, 3, 8, 18 for three.

    Notes
    -----
    These are coordinates in the *dual* sense: the coefficient of the logarithm, an element of the
    tensor algebra, at each Lyndon word. They determine the logarithm, since it is a Lie element.
    They are not the coefficients in the basis of bracketed Lyndon words; a triangular matrix takes
    one to the other (Signatory calls the two choices "words" and "brackets"). On level 2 both are
    the Levy areas.

    References
    ----------
    C. Reutenauer, Free Lie Algebras (1993), theorem 5.3.
    P. Kidger and T. Lyons, Signatory, arXiv:2001.00706, section 4.3.

    Examples
    --------
    The Levy area of "right, then up" is one half.

    >>> corner = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> log_signature(corner, 2).tolist()
    [1.0, 1.0, 0.5]
    """
    depth = as_depth(depth)
    sig = signature(path, depth)
    channels = np.shape(path)[-1]
    series = [0.0] + [(-1.0) ** (n + 1) / n for n in range(1, depth + 1)]
    log = power_series(sig, series, channels, depth)
    if expanded:
        return log
    return log[..., [word_index(word, channels) for word in lyndon_words(channels, depth)]]
