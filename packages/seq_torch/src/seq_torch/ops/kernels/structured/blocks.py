"""Blocks along the diagonal, (batch, time, block, size, size); one block is a dense matrix."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace

import numpy as np

from ..compiler import compiled
from ..copies import add_row, copy_row

UNROLLED = 5  # largest size with kernels of its own, which have no loop inside a block


@cache
def of_size(known: int) -> SimpleNamespace:
    """Kernels for blocks of `known` rows, or of any size if it is 0."""

    @compiled
    def forward(first, last, blocks, initial, drive, h):
        count, size = blocks.shape[2], known if known else blocks.shape[3]
        for i in range(first, last):
            before = initial[i]
            for t in range(h.shape[1]):
                matrix, after = blocks[i, t], h[i, t]
                for k in range(count):
                    for r in range(size):
                        total = initial.dtype.type(0)
                        for c in range(size):
                            total += matrix[k, r, c] * before[k * size + c]
                        after[k * size + r] = total
                if len(drive):
                    add_row(drive[i, t], after)
                before = after

    @compiled
    def backward(first, last, blocks, initial, h, dh, dblocks, ddrive, dinitial):
        count, size = blocks.shape[2], known if known else blocks.shape[3]
        total, passed = np.zeros_like(initial[0]), np.zeros_like(initial[0])
        for i in range(first, last):
            passed[:] = 0
            for t in range(h.shape[1] - 1, -1, -1):
                matrix, gradient = blocks[i, t], dblocks[i, t]
                before = h[i, t - 1] if t else initial[i]
                for n in range(len(total)):
                    total[n] = passed[n] + dh[i, t, n]
                if len(ddrive):
                    copy_row(total, ddrive[i, t])
                for k in range(count):
                    for r in range(size):
                        for c in range(size):
                            gradient[k, r, c] = total[k * size + r] * before[k * size + c]
                passed[:] = 0
                for k in range(count):
                    for r in range(size):
                        for c in range(size):
                            passed[k * size + c] += matrix[k, r, c] * total[k * size + r]
            copy_row(passed, dinitial[i])

    return SimpleNamespace(forward=forward, backward=backward)
