"""Words of two and three letters as sums over segments, in few passes over the data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.signature._arena import Arena

Real = NDArray[np.floating[Any]]
Array = NDArray[np.inexact[Any]]


def two_letters(piece: Real, origin: Real, word: tuple[int, ...], arena: Arena) -> Real:
    r"""Compute what a piece of the paths adds to a word of two letters.

    With :math:`a = x^{i_1} - x^{i_1}_0` and :math:`b = x^{i_2} - x^{i_2}_0`, half the product's
    growth and the signed area that the path sweeps as seen from its origin:

    .. math:: S^{i_1 i_2} = \tfrac12 \Big[ a b \Big]
              + \tfrac12 \sum \big( a \, \Delta b - b \, \Delta a \big)
              = \tfrac12 \Big[ a b \Big] + \tfrac12 \mathrm{Im} \sum \bar z \, \Delta z,
              \qquad z = a + i b.
    """
    z, step = (_as_complex(arena.take(*piece.shape[:2], 2)) for _ in range(2))
    if word == (0, 1) and piece.shape[2] == 2 and piece.strides[2] == piece.itemsize:
        np.subtract(_as_complex(piece), _as_complex(origin)[:, None], out=z)
    else:
        np.subtract(piece[:, :, word[0]], origin[:, word[0], None], out=z.real)
        np.subtract(piece[:, :, word[1]], origin[:, word[1], None], out=z.imag)
    _differences(z, out=step)
    start, end = z[:, 0], z[:, -1]
    growth = end.real * end.imag - start.real * start.imag
    return (growth + np.vecdot(z, step).imag) / growth.dtype.type(2)


def three_letters(
    piece: Real, origin: Real, end: Real, word: tuple[int, ...], arena: Arena
) -> Real:
    r"""Compute what a piece of the paths adds to a word of three letters.

    With :math:`a = x^{i_1} - x^{i_1}_0` and :math:`b = x^{i_3}_T - x^{i_3}`, the integral of a
    quadratic function over every segment:

    .. math:: S^{i_1 i_2 i_3} = \int a \, b \; dx^{i_2}
              = \sum \tfrac12 \big( (a b)_{\mathrm{left}} + (a b)_{\mathrm{right}} \big)
                \Delta x^{i_2} - \tfrac16 \Delta a \, \Delta b \, \Delta x^{i_2}.
    """
    first, middle, last = word
    a, b, step, product = (arena.take(*piece.shape[:2]) for _ in range(4))
    np.subtract(piece[:, :, first], origin[:, first, None], out=a)
    np.subtract(piece[:, :, last], end[:, last, None], out=b)  # minus b, mended by the sign below
    _differences(piece[:, :, middle], out=step)
    np.multiply(a, b, out=product)
    trapezia = np.vecdot(product, step)
    trapezia += np.vecdot(product[:, 1:], step[:, :-1])
    _differences(a, out=product)
    _differences(b, out=a)
    product *= a
    return np.vecdot(product, step) / step.dtype.type(6) - trapezia / step.dtype.type(2)


def _differences(values: Array, out: Array) -> None:
    """Fill `out` with every value's distance to the next one; its last column is zero."""
    if values.strides[0] == values.shape[1] * values.strides[1]:  # one long loop is faster
        flat, distances = values.reshape(-1), out.reshape(-1)
        np.subtract(flat[1:], flat[:-1], out=distances[:-1])
    else:
        np.subtract(values[:, 1:], values[:, :-1], out=out[:, :-1])
    out[:, -1] = 0


def _as_complex(points: Real) -> NDArray[np.complexfloating[Any, Any]]:
    """Points of the plane, the last axis contiguous, as complex numbers of the same memory."""
    return points.view(np.result_type(points.dtype, np.complex64))[..., 0]
