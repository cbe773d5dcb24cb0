"""Hyperbolic tangent that a compiler can vectorise: a quotient, or near zero a polynomial.

A stub in Python and a numba overload for float32 and float64, accurate to a few units in the last
place, also for small arguments; compiled without reassociation, as `exponential` is.
"""

from __future__ import annotations

import math

import numpy as np
from numba import types
from numba.extending import overload

from .elementary import OPTIONS, exponential

# Taylor coefficients of odd orders; below 1/4 the first one left out is under 1e-17 (5e-9 single).
D3, D5, D7, D9 = -1 / 3, 2 / 15, -17 / 315, 62 / 2835
D11, D13, D15 = -1382 / 155925, 21844 / 6081075, -929569 / 638512875
D17, D19 = 6404582 / 10854718875, -443861162 / 1856156927625
S3, S5, S7, S9 = (np.float32(value) for value in (D3, D5, D7, D9))
S_NEAR, S_ONE, S_TWO = np.float32(0.25), np.float32(1), np.float32(2)


def tangent(x: float) -> float:
    """Return ``tanh(x)``."""
    raise NotImplementedError("only inside compiled code")


def _tangent_single(x):
    size = abs(x)
    decay = exponential(-S_TWO * size)
    far = math.copysign((S_ONE - decay) / (S_ONE + decay), x)
    q = x * x
    near = x + x * q * (S3 + q * (S5 + q * (S7 + q * S9)))
    return near if size < S_NEAR else np.float32(far)


def _tangent_double(x):
    size = abs(x)
    decay = exponential(-2.0 * size)
    far = math.copysign((1.0 - decay) / (1.0 + decay), x)
    q = x * x
    p = D11 + q * (D13 + q * (D15 + q * (D17 + q * D19)))
    near = x + x * q * (D3 + q * (D5 + q * (D7 + q * (D9 + q * p))))
    return near if size < 0.25 else far


@overload(tangent, jit_options=OPTIONS)
def _tangent(x):
    return _tangent_single if x == types.float32 else _tangent_double
