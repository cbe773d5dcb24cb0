"""H diag(d) / sqrt(width), perhaps with the identity: diagonals (batch, time, width)."""

from __future__ import annotations

from math import sqrt

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, diagonal, plus_identity, initial, drive, h):
    """Transform the product with the diagonal."""
    width = initial.shape[1]
    scale = initial.dtype.type(1 / sqrt(width))
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            for n in range(width):
                after[n] = scale * diagonal[i, t, n] * before[n]
            _transform(after)
            if plus_identity:
                for n in range(width):
                    after[n] += before[n]
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, diagonal, plus_identity, initial, h, dh, ddiagonal, ddrive, dinitial):
    """Give the gradients; the transform is symmetric."""
    zero = initial.dtype.type(0)
    width = initial.shape[1]
    scale = initial.dtype.type(1 / sqrt(width))
    passed, moved = np.zeros_like(initial[0]), np.zeros_like(initial[0])
    for i in range(first, last):
        passed[:] = 0
        for t in range(h.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t else initial[i]
            for n in range(width):
                passed[n] += dh[i, t, n]
            if len(ddrive):
                copy_row(passed, ddrive[i, t])
            for n in range(width):
                moved[n] = scale * passed[n]
            _transform(moved)
            for n in range(width):
                ddiagonal[i, t, n] = moved[n] * before[n]
            for n in range(width):
                kept = passed[n] if plus_identity else zero
                passed[n] = kept + diagonal[i, t, n] * moved[n]
        copy_row(passed, dinitial[i])


@compiled
def _transform(x):
    """Walsh-Hadamard transform in place, unscaled, in log2(len(x)) passes."""
    half = 1
    while half < len(x):
        for start in range(0, len(x), 2 * half):
            for n in range(start, start + half):
                first, second = x[n], x[n + half]
                x[n] = first + second
                x[n + half] = first - second
        half *= 2
