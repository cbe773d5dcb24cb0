"""diag(d) + U V^T: the diagonal (batch, time, width), U and V (batch, time, width, rank)."""

from __future__ import annotations

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, diagonal, left, right, initial, drive, h):
    """Give D y + U (V^T y)."""
    inner = np.zeros(left.shape[3], h.dtype)
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            _columns(right[i, t], before, inner)
            _rows(left[i, t], inner, after)
            for n in range(len(after)):
                after[n] += diagonal[i, t, n] * before[n]
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(
    first, last, diagonal, left, right, initial, h, dh, ddiagonal, dleft, dright, ddrive, dinitial
):
    """Give the gradients; V^T y is formed again."""
    total, passed = np.zeros_like(initial[0]), np.zeros_like(initial[0])
    inner, dinner = np.zeros(left.shape[3], h.dtype), np.zeros(left.shape[3], h.dtype)
    for i in range(first, last):
        passed[:] = 0
        for t in range(h.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t else initial[i]
            for n in range(len(total)):
                total[n] = passed[n] + dh[i, t, n]
            if len(ddrive):
                copy_row(total, ddrive[i, t])
            for n in range(len(total)):
                ddiagonal[i, t, n] = total[n] * before[n]
            _columns(right[i, t], before, inner)
            _columns(left[i, t], total, dinner)
            _outer(total, inner, dleft[i, t])
            _outer(before, dinner, dright[i, t])
            _rows(right[i, t], dinner, passed)
            for n in range(len(total)):
                passed[n] += diagonal[i, t, n] * total[n]
        copy_row(passed, dinitial[i])


@compiled
def _columns(matrix, x, result):
    """Fill in A^T x."""
    result[:] = 0
    for n in range(matrix.shape[0]):
        for r in range(matrix.shape[1]):
            result[r] += matrix[n, r] * x[n]


@compiled
def _rows(matrix, x, result):
    """Fill in A x."""
    for n in range(matrix.shape[0]):
        total = x.dtype.type(0)
        for r in range(matrix.shape[1]):
            total += matrix[n, r] * x[r]
        result[n] = total


@compiled
def _outer(x, y, result):
    """Fill in x y^T."""
    for n in range(len(x)):
        for r in range(len(y)):
            result[n, r] = x[n] * y[r]
