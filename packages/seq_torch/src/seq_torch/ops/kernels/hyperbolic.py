r"""Hyperbolic tangent that a compiler can vectorise, without branches.

.. math:: \tanh x = \frac{E}{E + 2}, \qquad
          E = e^{2x} - 1 = 2^k (e^r - 1) + (2^k - 1), \quad 2x = k \ln 2 + r, \quad |r| < 0.35

Nothing cancels in the second sum: its parts are 0 for k = 0, and otherwise differ enough. A stub in
Python and a numba overload for float32 and float64, accurate to a few units in the last place also
for small arguments; compiled without reassociation, as the functions of `elementary` are.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from .elementary import (
    D2,
    D3,
    D4,
    D5,
    D6,
    D7,
    D8,
    D9,
    D10,
    D11,
    D12,
    D13,
    D_LN2_HIGH,
    D_LN2_LOW,
    D_LOG2E,
    D_ROUND,
    OPTIONS,
    S2,
    S3,
    S4,
    S5,
    S6,
    S7,
    S_LN2_HIGH,
    S_LN2_LOW,
    S_LOG2E,
    S_ONE,
    S_ROUND,
)

S_TWO, S_MOST, D_MOST = np.float32(2), np.float32(20), 40.0  # beyond, the result is 1 in its type


def tangent(x: float) -> float:
    """Return ``tanh(x)``."""
    raise NotImplementedError("only inside compiled code")


def _tangent_single(x):
    y = x * S_TWO
    y = -S_MOST if y < -S_MOST else y  # written so that NaN passes through
    y = S_MOST if y > S_MOST else y
    shifted = np.float32(y * S_LOG2E + S_ROUND)
    count = shifted - S_ROUND
    r = (y - count * S_LN2_HIGH) - count * S_LN2_LOW
    p = ((((S7 * r + S6) * r + S5) * r + S4) * r + S3) * r + S2
    bits = np.int32((shifted.view(np.int32) << np.int32(23)) + np.int32(0x3F800000))
    power = bits.view(np.float32)
    E = power * (p * (r * r) + r) + (power - S_ONE)
    return E / (E + S_TWO)


def _tangent_double(x):
    y = x * 2.0
    y = -D_MOST if y < -D_MOST else y
    y = D_MOST if y > D_MOST else y
    shifted = np.float64(y * D_LOG2E + D_ROUND)
    count = shifted - D_ROUND
    r = (y - count * D_LN2_HIGH) - count * D_LN2_LOW
    p = ((((D13 * r + D12) * r + D11) * r + D10) * r + D9) * r + D8
    p = (((((p * r + D7) * r + D6) * r + D5) * r + D4) * r + D3) * r + D2
    bits = np.int64((shifted.view(np.int64) << np.int64(52)) + np.int64(0x3FF0000000000000))
    power = bits.view(np.float64)
    E = power * (p * (r * r) + r) + (power - 1.0)
    return E / (E + 2.0)


@overload(tangent, jit_options=OPTIONS)
def _tangent(x):
    return _tangent_single if x == types.float32 else _tangent_double
