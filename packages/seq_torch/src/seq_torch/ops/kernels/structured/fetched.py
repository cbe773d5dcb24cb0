"""diag(d) P: entry i of y is d_i times entry `columns[i]` before; both (batch, time, width)."""

from __future__ import annotations

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, columns, factors, initial, drive, h):
    """Fetch each entry."""
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            for n in range(len(after)):
                after[n] = factors[i, t, n] * before[columns[i, t, n]]
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, columns, factors, initial, h, dh, dfactors, ddrive, dinitial):
    """Give the gradients; the transpose adds each entry to its column."""
    total, passed = np.zeros_like(initial[0]), np.zeros_like(initial[0])
    for i in range(first, last):
        passed[:] = 0
        for t in range(h.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t else initial[i]
            for n in range(len(total)):
                total[n] = passed[n] + dh[i, t, n]
            if len(ddrive):
                copy_row(total, ddrive[i, t])
            for n in range(len(total)):
                dfactors[i, t, n] = total[n] * before[columns[i, t, n]]
            passed[:] = 0
            for n in range(len(total)):
                passed[columns[i, t, n]] += factors[i, t, n] * total[n]
        copy_row(passed, dinitial[i])
