"""Residual scan: axes (batch, time, state), innermost loop over the state.

Sequences `first` to `last` and states `left` to `right` are one worker's own; a dense recurrence
needs all states.
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
def diagonal_back(
    first, last, left, right, x, weight, initial, h, dh, dx, dweight, carry, dt, code
):
    """Fill `dx`; `dweight`, one row per sequence, and `carry`, that of `initial`, begin at zero."""
    z = np.empty(right - left, x.dtype)
    for i in range(first, last):
        for t in range(x.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t > 0 else initial[i]
            for n in range(left, right):
                z[n - left] = x[i, t, n] + weight[n] * before[n]
            differentiate(z, code)
            for n in range(left, right):
                change = dt * z[n - left] * (carry[i, n] + dh[i, t, n])
                dx[i, t, n] = change
                dweight[i, n] += change * before[n]
                carry[i, n] += dh[i, t, n] + weight[n] * change


@compiled
def dense_back(first, last, left, right, z, weight, dh, dx, carry, dt, code):
    """Fill `dx`, given the arguments `z` of the activation, which are used up."""
    for i in range(first, last):
        for t in range(z.shape[1] - 1, -1, -1):
            differentiate(z[i, t], code)
            for n in range(right):
                carry[i, n] += dh[i, t, n]
                dx[i, t, n] = dt * z[i, t, n] * carry[i, n]
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
            raised = z.dtype.type(-1) if z[n] < -1 else z[n]
            z[n] = z.dtype.type(1) if raised > 1 else raised


@compiled
def differentiate(z, code):
    """Replace the arguments of the activation by its slopes."""
    if code == 0:
        z[:] = 1
    elif code == 1:
        for n in range(z.shape[0]):
            y = tangent(z[n])
            z[n] = (1 - y) * (1 + y)
    else:
        for n in range(z.shape[0]):
            z[n] = 0 if abs(z[n]) >= 1 else 1
