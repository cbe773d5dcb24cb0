"""Selective scan with real states: one pass forward, and one back that finds the states again.

Axes: `u`, `dt`, `y` and their gradients (row, dim, time); `A` (dim, state); `B` and `C` (row,
group, time, state), or (1, dim, 1, state) where constant; states (sequence, dim, state), of no rows
where absent. `spans` (sequence, 4) says where each sequence lies: its row, its first step, that
after its last, and the steps of its segments. Inside, arrays are tiles with channels last: (step,
channel), (state, channel).
"""

from __future__ import annotations

import numpy as np

from . import tiles
from .compiler import compiled
from .copies import copy_rows
from .elementary import exponential


@compiled
def advance(t, size, drive, A, B, B_tile, h):
    """Advance the states `h` by step `t`.

    `B` is that of the sequence, (time, state); of no steps where constant, as `B_tile` is then.
    """
    for n in range(A.shape[0]):
        if B.shape[0]:
            b = B[t, n]
            for c in range(A.shape[1]):
                h[n, c] = exponential(size[c] * A[n, c]) * h[n, c] + drive[c] * b
        else:
            for c in range(A.shape[1]):
                h[n, c] = exponential(size[c] * A[n, c]) * h[n, c] + drive[c] * B_tile[n, c]


@compiled
def advance_to(t, size, drive, A, B, B_tile, h, after, decay):
    """Fill the states `after` step `t` from those before it, `h`, and keep the factors."""
    for n in range(A.shape[0]):
        for c in range(A.shape[1]):
            decay[n, c] = exponential(size[c] * A[n, c])
        if B.shape[0]:
            b = B[t, n]
            for c in range(A.shape[1]):
                after[n, c] = decay[n, c] * h[n, c] + drive[c] * b
        else:
            for c in range(A.shape[1]):
                after[n, c] = decay[n, c] * h[n, c] + drive[c] * B_tile[n, c]


@compiled
def read(t, h, C, C_tile, y):
    """Fill the outputs `y` of step `t`."""
    y[:] = 0
    for n in range(h.shape[0]):
        if C.shape[0]:
            weight = C[t, n]
            for c in range(h.shape[1]):
                y[c] += weight * h[n, c]
        else:
            for c in range(h.shape[1]):
                y[c] += C_tile[n, c] * h[n, c]


@compiled
def adjoint_read(t, h, slope, C, C_tile, dC, dC_tile, g):
    """Add to the gradients of the states and of `C` what comes through the output of step `t`."""
    for n in range(h.shape[0]):
        if C.shape[0]:
            weight, total = C[t, n], h.dtype.type(0)
            for c in range(h.shape[1]):
                total += slope[c] * h[n, c]
            for c in range(h.shape[1]):
                g[n, c] += weight * slope[c]
            dC[t, n] += total
        else:
            for c in range(h.shape[1]):
                dC_tile[n, c] += slope[c] * h[n, c]
            for c in range(h.shape[1]):
                g[n, c] += C_tile[n, c] * slope[c]


@compiled
def adjoint_drive(t, drive, g, B, B_tile, dB, dB_tile, ddrive):
    """Fill the gradient of the drive of step `t` and add to that of `B`."""
    ddrive[:] = 0
    for n in range(g.shape[0]):
        if B.shape[0]:
            b, total = B[t, n], g.dtype.type(0)
            for c in range(g.shape[1]):
                total += g[n, c] * drive[c]
                ddrive[c] += g[n, c] * b
            dB[t, n] += total
        else:
            for c in range(g.shape[1]):
                ddrive[c] += g[n, c] * B_tile[n, c]
            for c in range(g.shape[1]):
                dB_tile[n, c] += g[n, c] * drive[c]


@compiled
def adjoint_decay(size, A, h, decay, g, dA, dsize):
    """Take `g` to the states before the step, fill the gradient of `dt`, add to that of `A`."""
    dsize[:] = 0
    for n in range(g.shape[0]):
        for c in range(g.shape[1]):
            value = g[n, c] * decay[n, c]
            g[n, c] = value
            value *= h[n, c]  # gradient of size * A
            dA[n, c] += value * size[c]
            dsize[c] += value * A[n, c]


@compiled
def constants(A, B, C, left, stop):
    """Tiles of `A` and of those of `B` and `C` that are constant."""
    a = np.empty((A.shape[1], stop - left), A.dtype)
    b, c = np.empty_like(a), np.empty_like(a)
    tiles.turn(A, left, a)
    if tiles.groups(B, A.shape[0]) == 0:
        tiles.turn(B[0, :, 0], left, b)
    if tiles.groups(C, A.shape[0]) == 0:
        tiles.turn(C[0, :, 0], left, c)
    return a, b, c


@compiled
def row(rows, i, left, dim):
    """`B` or `C` of row `i` and the tile at `left`, (time, state); of no steps if constant."""
    groups = tiles.groups(rows, dim)
    return rows[i, left * groups // dim] if groups else rows[0, 0, :0]


@compiled
def begin(i, left, initial, h):
    """Fill the states before a sequence."""
    h[:] = 0
    if initial.shape[0]:
        tiles.turn(initial[i], left, h)


@compiled
def finish(i, left, h, end):
    """Undo `begin`."""
    if end.shape[0]:
        tiles.turn_back(h, end[i], left)


@compiled
def forward(first, last, left, right, width, spans, u, dt, A, B, C, initial, y, end):
    """Fill `y` and `end`, the last state, of sequences `first` to `last`, channels `left` on."""
    dim, (room, _) = u.shape[1], tiles.room(first, last, spans)
    while left < right:
        stop = tiles.end(left, right, width, dim, tiles.groups(B, dim), tiles.groups(C, dim))
        a, b, c = constants(A, B, C, left, stop)
        h, size = np.empty_like(a), np.empty((room, stop - left), a.dtype)
        drive, out = np.empty_like(size), np.empty_like(size)
        for i in range(first, last):
            r, end_of, segment = spans[i, 0], spans[i, 2], spans[i, 3]
            begin(i, left, initial, h)
            row_B, row_C = row(B, r, left, dim), row(C, r, left, dim)
            for start in range(spans[i, 1], end_of, segment):
                after = min(start + segment, end_of)
                tiles.load_drive(r, left, start, after, u, dt, size, drive)
                for k in range(after - start):
                    advance(start + k, size[k], drive[k], a, row_B, b, h)
                    read(start + k, h, row_C, c, out[k])
                tiles.store(out, y, r, left, start, after)
            finish(i, left, h, end)
        left = stop


@compiled
def mark(r, left, origin, segment, u, dt, a, B, b, marks, size, drive):
    """Fill `marks[1:]`, the states before every later segment, from `marks[0]`."""
    for s in range(marks.shape[0] - 1):
        copy_rows(marks[s], marks[s + 1])
        start = origin + s * segment
        tiles.load_drive(r, left, start, start + segment, u, dt, size, drive)
        for k in range(segment):
            advance(start + k, size[k], drive[k], a, B, b, marks[s + 1])


@compiled
def backward(
    first, last, left, right, width, spans, u, dt, A, B, C, initial, dy, dend, y,
    du, ddt, dA, dB, dC, dinitial,
):  # fmt: skip
    """Fill the gradients of sequences `first` to `last`, channels `left` to `right`.

    States are computed again, segment by segment from the end; `y` is filled too if it has rows.
    `dA`, `dB` and `dC` are sums that this call alone adds to.
    """
    dim, state, (room, most) = u.shape[1], A.shape[1], tiles.room(first, last, spans)
    while left < right:
        stop = tiles.end(left, right, width, dim, tiles.groups(B, dim), tiles.groups(C, dim))
        a, b, c = constants(A, B, C, left, stop)
        da, db, dc = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
        g, channels = np.empty_like(a), stop - left
        h = np.empty((room + 1, state, channels), a.dtype)
        decay = np.empty((room, state, channels), a.dtype)
        marks = np.empty((most, state, channels), a.dtype)
        size = np.empty((room, channels), a.dtype)
        drive, slope, out = np.empty_like(size), np.empty_like(size), np.empty_like(size)
        for i in range(first, last):
            r, origin, end_of, segment = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
            own = marks[: tiles.room(i, i + 1, spans)[1]]
            row_B, row_C = row(B, r, left, dim), row(C, r, left, dim)
            row_dB, row_dC = row(dB, r, left, dim), row(dC, r, left, dim)
            begin(i, left, dend, g)
            begin(i, left, initial, own[0])
            mark(r, left, origin, segment, u, dt, a, row_B, b, own, size, drive)
            for s in range(own.shape[0] - 1, -1, -1):
                start = origin + s * segment
                after = min(start + segment, end_of)
                tiles.load_drive(r, left, start, after, u, dt, size, drive)
                tiles.load(dy, r, left, start, after, slope)
                copy_rows(own[s], h[0])
                for k in range(after - start):
                    advance_to(start + k, size[k], drive[k], a, row_B, b, h[k], h[k + 1], decay[k])
                    if y.shape[0]:
                        read(start + k, h[k + 1], row_C, c, out[k])
                if y.shape[0]:
                    tiles.store(out, y, r, left, start, after)
                for k in range(after - start - 1, -1, -1):
                    t = start + k
                    adjoint_read(t, h[k + 1], slope[k], row_C, c, row_dC, dc, g)
                    adjoint_drive(t, drive[k], g, row_B, b, row_dB, db, slope[k])
                    adjoint_decay(size[k], a, h[k], decay[k], g, da, out[k])
                tiles.store_gradients(r, left, start, after, slope, size, out, u, du, ddt)
            finish(i, left, g, dinitial)
        tiles.add_back(da, dA, left)
        if tiles.groups(B, dim) == 0:
            tiles.add_back(db, dB[0, :, 0], left)
        if tiles.groups(C, dim) == 0:
            tiles.add_back(dc, dC[0, :, 0], left)
        left = stop
