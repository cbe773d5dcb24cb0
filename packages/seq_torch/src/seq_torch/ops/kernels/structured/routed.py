"""P diag(d): entry j of d y is added to row `rows[j]`; both (batch, time, width)."""

from __future__ import annotations

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, rows, factors, initial, drive, h):
    """Add each entry to its row."""
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            after[:] = 0
            for n in range(len(after)):
                after[rows[i, t, n]] += factors[i, t, n] * before[n]
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, rows, factors, initial, h, dh, dfactors, ddrive, dinitial):
    """Give the gradients; the transpose fetches each entry from its row."""
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
                passed[n] = total[rows[i, t, n]]
            for n in range(len(total)):
                dfactors[i, t, n] = passed[n] * before[n]
            for n in range(len(total)):
                passed[n] *= factors[i, t, n]
        copy_row(passed, dinitial[i])
