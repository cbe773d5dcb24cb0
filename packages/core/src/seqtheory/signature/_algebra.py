"""The truncated tensor algebra: products, powers and inverses of signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.signature._validate import as_channels, as_depth, as_real, require_words_fit

if TYPE_CHECKING:
    from jaxtyping import Float

Real = NDArray[np.floating[Any]]


def chen(
    a: Float[np.ndarray, "*lead words"],
    b: Float[np.ndarray, "*lead words"],
    channels: int,
    depth: int,
) -> Float[np.ndarray, "*lead words"]:
    r"""Signature of a path followed by another, from their signatures.

    .. math:: S^{w}(X * Y) = \sum_{uv = w} S^{u}(X) \, S^{v}(Y)

    Parameters
    ----------
    a, b
        Truncated signatures of the first and of the second path; leading axes broadcast.
    channels, depth
        Number of channels and depth of both signatures: ``channels + ... + channels**depth`` words.

    Returns
    -------
    The truncated signature of the concatenation. `Y` is translated to where `X` ends.

    Notes
    -----
    Costs O(depth * channels**depth). The product is defined for any elements of the truncated
    tensor algebra with leading term 1, such as expected signatures.

    References
    ----------
    K.-T. Chen, Annals of Mathematics 65 (1957).

    Examples
    --------
    >>> right, up = np.array([1.0, 0.0, 0.5, 0, 0, 0]), np.array([0.0, 1.0, 0, 0, 0, 0.5])
    >>> chen(right, up, channels=2, depth=2).tolist()
    [1.0, 1.0, 0.5, 1.0, 0.0, 0.5]
    """
    channels, depth = as_channels(channels), as_depth(depth)
    first = as_signature(a, channels, depth, "a")
    second = as_signature(b, channels, depth, "b")
    return multiply(first, second, channels, depth)


def inverse(
    sig: Float[np.ndarray, "*lead words"], channels: int, depth: int
) -> Float[np.ndarray, "*lead words"]:
    r"""Inverse of a signature under `chen`: the signature of the path run backwards.

    .. math:: (1 + x)^{-1} = \sum_{n=0}^{\mathrm{depth}} (-x)^{\otimes n}

    Parameters
    ----------
    sig
        Truncated signatures.
    channels, depth
        Number of channels and depth of `sig`.

    Returns
    -------
    ``y`` such that ``chen(sig, y)`` and ``chen(y, sig)`` are zero, up to rounding.

    Notes
    -----
    For the signature of a path this equals the antipode
    :math:`(-1)^n S^{i_n \dots i_1}`; the series used here is right for every element with
    leading term 1, averages of signatures included, at O(depth^2 * channels**depth).

    Examples
    --------
    >>> right = np.array([1.0, 0.0, 0.5, 0.0, 0.0, 0.0])
    >>> inverse(right, channels=2, depth=2).tolist()
    [-1.0, 0.0, 0.5, 0.0, 0.0, 0.0]
    """
    channels, depth = as_channels(channels), as_depth(depth)
    x = as_signature(sig, channels, depth, "sig")
    return power_series(x, [(-1.0) ** n for n in range(depth + 1)], channels, depth)


def level_sizes(channels: int, depth: int) -> list[int]:
    """Return the number of words of each length from 1 to `depth`."""
    return [channels**n for n in range(1, depth + 1)]


def num_words(channels: int, depth: int) -> int:
    """Count the words of all lengths from 1 to `depth`."""
    return depth if channels == 1 else channels * (channels**depth - 1) // (channels - 1)


def as_signature(values: object, channels: int, depth: int, name: str) -> Real:
    """Return a truncated signature whose last axis has the length that belongs to it."""
    array = as_real(values, name)  # pyright: ignore[reportArgumentType]
    require_words_fit(channels, depth, array.itemsize)
    size = num_words(channels, depth)
    if array.ndim == 0 or array.shape[-1] != size:
        raise ValueError(
            f"{name} has shape {array.shape}; expected {size} numbers on the last axis for "
            f"{channels} channels and depth {depth} (levels 1..{depth}, no leading 1)."
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity; expected finite numbers.")
    return array


def multiply(
    a: Real, b: Real, channels: int, depth: int, units: tuple[float, float] = (1.0, 1.0)
) -> Real:
    """Product of ``units[0] + a`` and ``units[1] + b``, without its constant term."""
    left, right = split(a, channels, depth), split(b, channels, depth)
    lead = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    out = np.empty((*lead, a.shape[-1]), np.result_type(a, b))
    for n, level in enumerate(split(out, channels, depth)):
        scalar = level.dtype.type
        np.multiply(left[n], scalar(units[1]), out=level)
        level += scalar(units[0]) * right[n]
        for m in range(n):
            product = left[m][..., :, None] * right[n - m - 1][..., None, :]
            level += product.reshape(level.shape)
    return out


def power_series(x: Real, coefficients: list[float], channels: int, depth: int) -> Real:
    """Sum of ``coefficients[n] * x**n`` without its constant term, by Horner's rule."""
    total = np.zeros_like(x)
    constant = coefficients[depth]
    for n in range(depth - 1, -1, -1):
        total = multiply(x, total, channels, depth, (0.0, constant))
        constant = coefficients[n]
    return total


def split(x: Real, channels: int, depth: int) -> list[Real]:
    """Return views of the levels 1 to `depth`."""
    ends = np.cumsum(level_sizes(channels, depth))
    return [x[..., end - channels**n : end] for n, end in enumerate(ends.tolist(), start=1)]
