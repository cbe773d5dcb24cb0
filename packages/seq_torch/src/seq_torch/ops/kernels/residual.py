"""Residual scan: axes (batch, time, state), innermost loop over the state.

Sequences `first` to `last` and states `left` to `right` are one worker's own; a dense recurrence
needs all states. `slopes` are the derivatives of a step's change, the step size included.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .hyperbolic import tangent


@compiled
def diagonal(first, last, left, right, x, weight, initial, h, dt, code):
    """Fill `h` with the states for a diagonal `weight`."""
    z = np.empty(right - left, x.dtype)
    for i in range(first, last):
        before = initial[i]
        for t in range(x.shape[1]):
            for n in range(left, right):
                z[n - left] = x[i, t, n] + weight[n] * before[n]
            activate(z, code)
            for n in range(left, right):
                h[i, t, n] = before[n] + dt * z[n - left]
            before = h[i, t]


@compiled
def dense(first, last, left, right, x, columns, initial, h, dt, code):
    """Fill `h` with the states; row m of `columns` is what state m adds to all states."""
    z = np.empty(right - left, x.dtype)
    for i in range(first, last):
        before = initial[i]
        for t in range(x.shape[1]):
            for n in range(right):
                z[n] = x[i, t, n]
            for m in range(right):
                for n in range(right):
                    z[n] += columns[m, n] * before[m]
            activate(z, code)
            for n in range(right):
                h[i, t, n] = before[n] + dt * z[n]
            before = h[i, t]


@compiled
def diagonal_back(first, last, left, right, slopes, weight, dh, dx, carry):
    """Fill `dx`; `carry`, zero at first, becomes the gradient of the initial state."""
    for i in range(first, last):
        for t in range(slopes.shape[1] - 1, -1, -1):
            for n in range(left, right):
                carry[i, n] += dh[i, t, n]
                dx[i, t, n] = slopes[i, t, n] * carry[i, n]
                carry[i, n] += weight[n] * dx[i, t, n]


@compiled
def dense_back(first, last, left, right, slopes, weight, dh, dx, carry):
    """Fill `dx`; `carry`, zero at first, becomes the gradient of the initial state."""
    for i in range(first, last):
        for t in range(slopes.shape[1] - 1, -1, -1):
            for n in range(right):
                carry[i, n] += dh[i, t, n]
                dx[i, t, n] = slopes[i, t, n] * carry[i, n]
            for n in range(right):
                for m in range(right):
                    carry[i, m] += weight[n, m] * dx[i, t, n]


@compiled
def activate(z, code):
    """Apply the activation in place: 0 nothing, 1 tanh, 2 hardtanh; NaN stays NaN."""
    if code == 1:
        for n in range(z.shape[0]):
            z[n] = tangent(z[n])
    elif code == 2:
        for n in range(z.shape[0]):
            low = z.dtype.type(-1) if z[n] < -1 else z[n]
            z[n] = z.dtype.type(1) if low > 1 else low
