"""Scan of pairs: matrices (2, 2, state), gains (2, state), drive (batch, time, state).

Sequences `first` to `last` are one worker's own; `z` and `y` are the first and the second number of
every pair. Loops run over whole rows, so that the compiler need not fear a negative index.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_row


@compiled
def forward(first, last, matrices, gains, drive, initial, z, y):
    """Fill `z` and `y`."""
    before_z, before_y = np.zeros_like(gains[0]), np.zeros_like(gains[0])
    for i in range(first, last):
        copy_row(initial[i, 0], before_z)
        copy_row(initial[i, 1], before_y)
        for t in range(drive.shape[1]):
            u, now_z, now_y = drive[i, t], z[i, t], y[i, t]
            _step(matrices[0, 0], before_z, matrices[0, 1], before_y, gains[0], u, now_z)
            _step(matrices[1, 0], before_z, matrices[1, 1], before_y, gains[1], u, now_y)
            copy_row(now_z, before_z)
            copy_row(now_y, before_y)


@compiled
def _step(a, z, b, y, g, u, result):
    """Give a z + b y + g u."""
    for n in range(len(result)):
        result[n] = a[n] * z[n] + b[n] * y[n] + g[n] * u[n]


@compiled
def backward(
    first, last, dz, dy, matrices, gains, drive, initial, z, y, dmatrices, dgains, ddrive, dinitial
):
    """Add to `dmatrices` and `dgains` of each sequence, and fill the rest."""
    of_z, of_y = np.zeros_like(gains[0]), np.zeros_like(gains[0])
    for i in range(first, last):
        passed_z, passed_y = dinitial[i, 0], dinitial[i, 1]  # what later states give
        passed_z[:], passed_y[:] = 0, 0
        for t in range(drive.shape[1] - 1, -1, -1):
            before_z = z[i, t - 1] if t else initial[i, 0]
            before_y = y[i, t - 1] if t else initial[i, 1]
            _add(dz[i, t], passed_z, of_z)
            _add(dy[i, t], passed_y, of_y)
            _mix(gains[0], of_z, gains[1], of_y, ddrive[i, t])
            _gather(of_z, before_z, dmatrices[i, 0, 0])
            _gather(of_z, before_y, dmatrices[i, 0, 1])
            _gather(of_y, before_z, dmatrices[i, 1, 0])
            _gather(of_y, before_y, dmatrices[i, 1, 1])
            _gather(of_z, drive[i, t], dgains[i, 0])
            _gather(of_y, drive[i, t], dgains[i, 1])
            _mix(matrices[0, 0], of_z, matrices[1, 0], of_y, passed_z)
            _mix(matrices[0, 1], of_z, matrices[1, 1], of_y, passed_y)


@compiled
def _add(one, other, total):
    """Give a sum."""
    for n in range(len(total)):
        total[n] = one[n] + other[n]


@compiled
def _mix(a, x, b, y, result):
    """Give a x + b y."""
    for n in range(len(result)):
        result[n] = a[n] * x[n] + b[n] * y[n]


@compiled
def _gather(one, other, total):
    """Add products to a sum."""
    for n in range(len(total)):
        total[n] += one[n] * other[n]
