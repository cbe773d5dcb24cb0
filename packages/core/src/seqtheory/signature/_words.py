"""Words over the channels: their order in a truncated signature, and Lyndon words."""

from __future__ import annotations

from itertools import product

from seqtheory.signature._validate import as_channels, as_depth, as_word, require_words_fit


def words(channels: int, depth: int) -> list[tuple[int, ...]]:
    """All words of length 1 to `depth`, in the order of a truncated signature.

    Examples
    --------
    >>> words(2, 2)
    [(0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]
    """
    channels, depth = as_channels(channels), as_depth(depth)
    require_words_fit(channels, depth, _tuple_bytes(depth))
    return [w for n in range(1, depth + 1) for w in product(range(channels), repeat=n)]


def word_index(word: tuple[int, ...], channels: int) -> int:
    """Position of the coefficient of a non-empty word in a truncated signature.

    Examples
    --------
    >>> word_index((1, 0), 2), words(2, 3).index((1, 0))
    (4, 4)
    """
    channels = as_channels(channels)
    letters = as_word(word, channels)
    if not letters:
        raise ValueError("word () has no index: its coefficient is the constant 1, never stored.")
    index = 0
    for letter in letters:  # bijective numeration: letter i is the digit i + 1
        index = index * channels + letter + 1
    return index - 1


def lyndon_words(channels: int, depth: int) -> list[tuple[int, ...]]:
    r"""Lyndon words up to a length: words smaller than each of their own proper suffixes.

    Their number of length n is Witt's dimension :math:`\frac1n \sum_{k|n} \mu(k) c^{n/k}` of the
    free Lie algebra, which contains the logarithms of signatures.

    Parameters
    ----------
    channels, depth
        Size of the alphabet and greatest length.

    Returns
    -------
    Shorter words first, lexicographic within a length.

    References
    ----------
    J.-P. Duval, Theoretical Computer Science 60 (1988): generation in lexicographic order.
    C. Reutenauer, Free Lie Algebras (1993), chapter 5.

    Examples
    --------
    >>> lyndon_words(2, 3)
    [(0,), (1,), (0, 1), (0, 0, 1), (0, 1, 1)]
    """
    channels, depth = as_channels(channels), as_depth(depth)
    if channels == 1:
        return [(0,)]
    require_words_fit(channels, depth, _tuple_bytes(depth) // depth)  # about 1 / depth of all words
    found: list[tuple[int, ...]] = []
    word = [-1]
    while word:
        word[-1] += 1
        found.append(tuple(word))
        period = len(word)
        while len(word) < depth:
            word.append(word[len(word) - period])
        while word and word[-1] == channels - 1:
            word.pop()
    return sorted(found, key=len)  # the sort is stable: lexicographic within a length


def _tuple_bytes(length: int) -> int:
    return tuple.__basicsize__ + length * tuple.__itemsize__
