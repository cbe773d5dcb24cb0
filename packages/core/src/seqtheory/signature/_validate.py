"""Checks of paths, depths and words, for all functions of this package."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from seqtheory._array import as_array
from seqtheory.checks import require_memory

Real = NDArray[np.floating[Any]]

_LEVEL_BYTES = 200  # size of the view of one level


def as_path(path: ArrayLike, name: str = "path") -> Real:
    """Return the path as float32 or float64; integers become float64 before any arithmetic."""
    array = as_real(path, name)
    if array.ndim < 2:
        raise ValueError(
            f"{name} has shape {array.shape}; expected (..., time, channel), so at least two axes. "
            f"A path with one channel has shape (time, 1): use {name}[:, None]."
        )
    if array.shape[-1] == 0:
        raise ValueError(f"{name} has shape {array.shape}: no channels. Give it at least one.")
    if array.shape[-2] < 2:
        raise ValueError(
            f"{name} has shape {array.shape}: {array.shape[-2]} vertices, but a path needs at "
            "least two. If that vertex is an increment from the origin, put the origin in front "
            "with add_basepoint(path)."
        )
    return array


def as_real(values: ArrayLike, name: str) -> Real:
    """Accept float32 and float64, turn integers into float64, refuse everything else."""
    array: NDArray[Any] = as_array(values)
    if array.dtype == np.float32 or array.dtype == np.float64:
        return array
    if np.issubdtype(array.dtype, np.integer):
        return array.astype(np.float64)
    raise TypeError(
        f"{name} has dtype {array.dtype}; expected float32, float64 or an integer type. "
        f"Convert it first, for example {name}.astype(np.float64)."
    )


def require_finite(block: Real, name: str = "path", first: int = 0, start: int = 0) -> None:
    """Raise if a value is NaN or infinite; the block opens at row `first`, vertex `start`."""
    with np.errstate(all="ignore"):  # one pass at memory speed: finite sums have finite terms
        if np.isfinite(block.sum(axis=0)).all():
            return
    bad = np.argwhere(~np.isfinite(block))
    if len(bad):  # otherwise the sum alone overflowed
        place = tuple(int(i) for i in bad[0])
        raise ValueError(
            f"{name} holds {block[place]} at vertex {start + place[-2]}, channel {place[-1]}"
            + (f", row {first + place[0]} of its leading axes" if block.ndim > 2 else "")
            + "; expected finite numbers. Remove or fill such values first."
        )


def as_depth(depth: int) -> int:
    """Return the depth as an int of at least one."""
    return _at_least(depth, 1, "depth", "Level 0 is the constant 1 and is not stored.")


def require_words_fit(channels: int, depth: int, bytes_per_word: int, count: int = 1) -> None:
    """Refuse a depth whose last level alone would not fit this machine."""
    # Exact up to a cap: no machine holds more words, and counting them all may take ages.
    most = 2**64
    words = depth if channels == 1 else min(channels ** min(depth, 64), most)
    require_memory(
        count * words * bytes_per_word + _LEVEL_BYTES * depth,
        f"the words of depth={depth:,} over channels={channels:,}"
        + (f", for {count} paths," if count > 1 else ""),
    )


def as_channels(channels: int) -> int:
    """Return the number of channels as an int of at least one."""
    return _at_least(channels, 1, "channels", "Give the number of channels of the path.")


def as_order(order: int) -> int:
    """Return the dyadic order as an int of at least zero."""
    return _at_least(order, 0, "dyadic_order", "Order k halves every segment k times.")


def as_word(word: object, channels: int) -> tuple[int, ...]:
    """Return the word as a tuple of channel numbers, each one of the path's."""
    if not isinstance(word, (tuple, list)):
        raise TypeError(
            f"word is {word!r}; expected a tuple of channel numbers such as (0, 1). "
            "One letter is written (0,)."
        )
    letters: list[int] = []
    for value in word:  # pyright: ignore[reportUnknownVariableType]
        letter = _integer(value)  # pyright: ignore[reportUnknownArgumentType]
        if letter is None:
            raise TypeError(f"word {word} holds {value!r}; expected channel numbers (integers).")
        if not 0 <= letter < channels:
            raise ValueError(_foreign_letter(word, letter, channels))  # pyright: ignore[reportUnknownArgumentType]
        letters.append(letter)
    return tuple(letters)


def _at_least(value: object, least: int, name: str, advice: str) -> int:
    number = _integer(value)
    if number is None:
        raise TypeError(f"{name} is {value!r}; expected an integer of at least {least}. {advice}")
    if number < least:
        raise ValueError(f"{name} is {number}; expected at least {least}. {advice}")
    return number


def _integer(value: object) -> int | None:
    """Return a Python or NumPy integer as an int; everything else, bool included, gives None."""
    if isinstance(value, (bool, np.bool_)):
        return None
    try:
        return operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        return None


def _foreign_letter(word: object, letter: int, channels: int) -> str:
    have = f"{channels} channel{'s' if channels > 1 else ''} (0..{channels - 1})"
    message = f"word {word} uses channel {letter}, but the path has {have}."
    if letter < 0:
        return f"{message} Channels are counted from 0, and not from the end."
    return f"{message} Did you forget the time channel? Add it with add_time(path)."


def flatten(path: Real) -> tuple[Real, tuple[int, ...]]:
    """Join the leading axes into one; return the array and the axes' lengths."""
    lead = path.shape[:-2]
    return path.reshape(math.prod(lead), *path.shape[-2:]), lead
