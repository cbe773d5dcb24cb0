"""Exponential, sine and cosine that a compiler can vectorise: polynomials without branches.

Each is a stub in Python and a numba overload for float32 and float64, accurate to about one unit
in the last place. Taylor polynomials serve, since the reduced arguments are below 0.8. Numbers
are rounded to integers by adding and subtracting 1.5 * 2**23 (2**52), so these functions must not
be compiled with reassociation; contraction to fused multiply-add is welcome.

A kernel's cache does not see a change of this file: clear ``__pycache__`` after editing it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

OPTIONS: Any = {"fastmath": {"contract"}}

# Coefficients 1/n!, and pi/2 and ln 2 in parts whose products with small integers are exact.
S1, S2, S3, S4, S5, S6, S7 = (np.float32(1 / math.factorial(n)) for n in range(1, 8))
S8, S9, S10 = (np.float32(1 / math.factorial(n)) for n in range(8, 11))
D2, D3, D4, D5, D6, D7, D8, D9 = (1 / math.factorial(n) for n in range(2, 10))
D10, D11, D12, D13, D14, D15, D16, D17 = (1 / math.factorial(n) for n in range(10, 18))

S_ROUND, S_LOG2E, S_TURNS = (
    np.float32(12582912.0),
    np.float32(1 / math.log(2)),
    np.float32(2 / math.pi),
)
S_LN2_HIGH, S_LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
S_PI_HIGH, S_PI_MIDDLE, S_PI_LOW = (
    np.float32(1.5703125),
    np.float32(4.837512969970703125e-4),
    np.float32(7.549789948768648e-8),
)
S_LEAST, S_MOST = np.float32(-87.3), np.float32(88.8)
S_ONE, S_ZERO = np.float32(1), np.float32(0)

D_ROUND, D_LOG2E, D_TURNS = 6755399441055744.0, 1 / math.log(2), 2 / math.pi
D_LN2_HIGH, D_LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
D_PI_HIGH, D_PI_MIDDLE, D_PI_LOW = (
    1.57079632673412561417e00,
    6.07710050630396597660e-11,
    2.02226624879595063154e-21,
)
D_LEAST, D_MOST = -708.3, 709.8


def exponential(x: float) -> float:
    """Return ``e**x``; below -87.3 (-708.3) the value there, about 1e-38 (1e-308)."""
    raise NotImplementedError("only inside compiled code")


def sine(x: float) -> float:
    """Return ``sin(x)`` for arguments up to about 1e4 (1e9); beyond, digits are lost."""
    raise NotImplementedError("only inside compiled code")


def cosine(x: float) -> float:
    """Return ``cos(x)`` for arguments up to about 1e4 (1e9); beyond, digits are lost."""
    raise NotImplementedError("only inside compiled code")


def _exponential_single(x):
    x = S_LEAST if x < S_LEAST else x  # written so that NaN passes through
    x = S_MOST if x > S_MOST else x
    shifted = np.float32(x * S_LOG2E + S_ROUND)
    count = shifted - S_ROUND
    r = x - count * S_LN2_HIGH
    r = r - count * S_LN2_LOW
    p = ((((((S7 * r + S6) * r + S5) * r + S4) * r + S3) * r + S2) * r + S_ONE) * r + S_ONE
    bits = np.int32((shifted.view(np.int32) << np.int32(23)) + np.int32(0x3F800000))
    return p * bits.view(np.float32)


def _exponential_double(x):
    x = D_LEAST if x < D_LEAST else x
    x = D_MOST if x > D_MOST else x
    shifted = np.float64(x * D_LOG2E + D_ROUND)
    count = shifted - D_ROUND
    r = x - count * D_LN2_HIGH
    r = r - count * D_LN2_LOW
    p = ((((D13 * r + D12) * r + D11) * r + D10) * r + D9) * r + D8
    p = ((((((p * r + D7) * r + D6) * r + D5) * r + D4) * r + D3) * r + D2) * r + 1.0
    bits = np.int64((shifted.view(np.int64) << np.int64(52)) + np.int64(0x3FF0000000000000))
    return (p * r + 1.0) * bits.view(np.float64)


def _sine_single(x):
    shifted = np.float32(x * S_TURNS + S_ROUND)
    count = shifted - S_ROUND
    r = ((x - count * S_PI_HIGH) - count * S_PI_MIDDLE) - count * S_PI_LOW
    q = r * r
    sin = r - r * q * (S3 - q * (S5 - q * (S7 - q * S9)))
    cos = S_ONE - q * (S2 - q * (S4 - q * (S6 - q * (S8 - q * S10))))
    quarter = shifted.view(np.int32)
    value = cos if quarter & np.int32(1) else sin
    return -value if quarter & np.int32(2) else value


def _cosine_single(x):
    shifted = np.float32(x * S_TURNS + S_ROUND)
    count = shifted - S_ROUND
    r = ((x - count * S_PI_HIGH) - count * S_PI_MIDDLE) - count * S_PI_LOW
    q = r * r
    sin = r - r * q * (S3 - q * (S5 - q * (S7 - q * S9)))
    cos = S_ONE - q * (S2 - q * (S4 - q * (S6 - q * (S8 - q * S10))))
    quarter = shifted.view(np.int32)
    value = sin if quarter & np.int32(1) else cos
    return -value if (quarter + np.int32(1)) & np.int32(2) else value


def _sine_double(x):
    shifted = np.float64(x * D_TURNS + D_ROUND)
    count = shifted - D_ROUND
    r = ((x - count * D_PI_HIGH) - count * D_PI_MIDDLE) - count * D_PI_LOW
    q = r * r
    p = D9 - q * (D11 - q * (D13 - q * (D15 - q * D17)))
    sin = r - r * q * (D3 - q * (D5 - q * (D7 - q * p)))
    p = D8 - q * (D10 - q * (D12 - q * (D14 - q * D16)))
    cos = 1.0 - q * (D2 - q * (D4 - q * (D6 - q * p)))
    quarter = shifted.view(np.int64)
    value = cos if quarter & 1 else sin
    return -value if quarter & 2 else value


def _cosine_double(x):
    shifted = np.float64(x * D_TURNS + D_ROUND)
    count = shifted - D_ROUND
    r = ((x - count * D_PI_HIGH) - count * D_PI_MIDDLE) - count * D_PI_LOW
    q = r * r
    p = D9 - q * (D11 - q * (D13 - q * (D15 - q * D17)))
    sin = r - r * q * (D3 - q * (D5 - q * (D7 - q * p)))
    p = D8 - q * (D10 - q * (D12 - q * (D14 - q * D16)))
    cos = 1.0 - q * (D2 - q * (D4 - q * (D6 - q * p)))
    quarter = shifted.view(np.int64)
    value = sin if quarter & 1 else cos
    return -value if (quarter + 1) & 2 else value


@overload(exponential, jit_options=OPTIONS)
def _exponential(x):
    return _exponential_single if x == types.float32 else _exponential_double


@overload(sine, jit_options=OPTIONS)
def _sine(x):
    return _sine_single if x == types.float32 else _sine_double


@overload(cosine, jit_options=OPTIONS)
def _cosine(x):
    return _cosine_single if x == types.float32 else _cosine_double
