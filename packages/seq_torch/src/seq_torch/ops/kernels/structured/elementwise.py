"""Diagonal matrices, (batch, time, width)."""

from __future__ import annotations

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, factors, initial, drive, h):
    """Multiply entry by entry."""
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            for n in range(len(after)):
                after[n] = factors[i, t, n] * before[n]
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, factors, initial, h, dh, dfactors, ddrive, dinitial):
    """Give the gradients."""
    passed = np.zeros_like(initial[0])
    for i in range(first, last):
        passed[:] = 0
        for t in range(h.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t else initial[i]
            for n in range(len(passed)):
                passed[n] += dh[i, t, n]
            if len(ddrive):
                copy_row(passed, ddrive[i, t])
            for n in range(len(passed)):
                dfactors[i, t, n] = passed[n] * before[n]
            for n in range(len(passed)):
                passed[n] *= factors[i, t, n]
        copy_row(passed, dinitial[i])
