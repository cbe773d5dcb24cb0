"""The same number of entries in every row: values (batch, time, width, entry), their columns."""

from __future__ import annotations

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row


@compiled
def forward(first, last, values, places, plus_identity, initial, drive, h):
    """Sum over the entries of each row."""
    width, entries = places.shape
    for i in range(first, last):
        before = initial[i]
        for t in range(h.shape[1]):
            after = h[i, t]
            for n in range(width):
                total = before[n] if plus_identity else initial.dtype.type(0)
                for e in range(entries):
                    total += values[i, t, n, e] * before[places[n, e]]
                after[n] = total
            if len(drive):
                add_row(drive[i, t], after)
            before = after


@compiled
def backward(first, last, values, places, plus_identity, initial, h, dh, dvalues, ddrive, dinitial):
    """Give the gradients; the transpose adds every entry to the state of its column."""
    zero = initial.dtype.type(0)
    width, entries = places.shape
    total, passed = np.zeros_like(initial[0]), np.zeros_like(initial[0])
    for i in range(first, last):
        passed[:] = 0
        for t in range(h.shape[1] - 1, -1, -1):
            before = h[i, t - 1] if t else initial[i]
            for n in range(width):
                total[n] = passed[n] + dh[i, t, n]
            if len(ddrive):
                copy_row(total, ddrive[i, t])
            for n in range(width):
                for e in range(entries):
                    dvalues[i, t, n, e] = total[n] * before[places[n, e]]
            for n in range(width):
                passed[n] = total[n] if plus_identity else zero
            for n in range(width):
                for e in range(entries):
                    passed[places[n, e]] += values[i, t, n, e] * total[n]
        copy_row(passed, dinitial[i])
