r"""Logarithm of the logistic function that a compiler can vectorise, without branches.

.. math:: \log \sigma(x) = \min(x, 0) - \log(1 + u), \quad u = e^{-|x|} \in (0, 1], \qquad
          \log(1 + u) = 2 \operatorname{artanh}(s) = 2 s \sum_n \frac{s^{2n}}{2n + 1}, \quad
          s = \frac{u}{2 + u} \le \tfrac13

A stub in Python and a numba overload for float32 and float64, compiled without reassociation, as
the functions of `elementary` are. What x of either sign gives is accurate to a few units in the
last place, also where it is near zero.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from .elementary import OPTIONS, exponential

S_TWO, S_ONE, S_ZERO = np.float32(2), np.float32(1), np.float32(0)
S3, S5, S7, S9, S11, S13, S15 = (np.float32(1 / n) for n in range(3, 17, 2))
D3, D5, D7, D9, D11, D13, D15, D17 = (1 / n for n in range(3, 19, 2))
D19, D21, D23, D25, D27, D29, D31, D33 = (1 / n for n in range(19, 35, 2))


def log_sigmoid(x: float) -> float:
    """Return ``log(1 / (1 + exp(-x)))``."""
    raise NotImplementedError("only inside compiled code")


def _log_sigmoid_single(x):
    u = exponential(-abs(x))
    s = u / (S_TWO + u)
    q = s * s
    p = ((((((S15 * q + S13) * q + S11) * q + S9) * q + S7) * q + S5) * q + S3) * q + S_ONE
    least = S_ZERO if x > S_ZERO else x  # written so that NaN passes through
    return least - S_TWO * s * p


def _log_sigmoid_double(x):
    u = exponential(-abs(x))
    s = u / (2.0 + u)
    q = s * s
    p = (((((((D33 * q + D31) * q + D29) * q + D27) * q + D25) * q + D23) * q + D21) * q + D19) * q
    p = (((((((p + D17) * q + D15) * q + D13) * q + D11) * q + D9) * q + D7) * q + D5) * q + D3
    least = 0.0 if x > 0.0 else x
    return least - 2.0 * s * (p * q + 1.0)


@overload(log_sigmoid, jit_options=OPTIONS)
def _log_sigmoid(x):
    return _log_sigmoid_single if x == types.float32 else _log_sigmoid_double
