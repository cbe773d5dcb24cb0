"""Selective scan with complex states: one pass forward, and one back that finds the states again.

As `selective_real`, with real and imaginary parts along a first axis of `A`, `B`, `C`, of the
states and of their gradients. Each state stands for a conjugate pair, so `y` is twice a real part.
Gradients are those of torch: derivative by the real part plus i times that by the imaginary part.
"""

from __future__ import annotations

import numpy as np

from . import tiles
from .compiler import compiled
from .copies import copy_rows
from .elementary import cosine, exponential, sine


@compiled
def factor(size, A, decay):
    """Fill the factors (part, state, channel) of one step."""
    for n in range(A.shape[1]):
        for c in range(A.shape[2]):
            length, angle = exponential(size[c] * A[0, n, c]), size[c] * A[1, n, c]
            decay[0, n, c] = length * cosine(angle)
            decay[1, n, c] = length * sine(angle)


@compiled
def advance(t, drive, decay, B, B_tile, h, after):
    """Fill the states `after` step `t` from those before it, `h`, which may be the same array."""
    for n in range(h.shape[1]):
        for c in range(h.shape[2]):
            re = decay[0, n, c] * h[0, n, c] - decay[1, n, c] * h[1, n, c]
            im = decay[0, n, c] * h[1, n, c] + decay[1, n, c] * h[0, n, c]
            after[0, n, c], after[1, n, c] = re, im
    for part in range(2):
        for n in range(h.shape[1]):
            if B.shape[1]:
                b = B[part, t, n]
                for c in range(h.shape[2]):
                    after[part, n, c] += drive[c] * b
            else:
                for c in range(h.shape[2]):
                    after[part, n, c] += drive[c] * B_tile[part, n, c]


@compiled
def read(t, h, C, C_tile, y):
    """Fill the outputs `y` of step `t`."""
    y[:] = 0
    for part in range(2):
        twice = h.dtype.type(2 - 4 * part)  # the imaginary part of C counts with a minus
        for n in range(h.shape[1]):
            if C.shape[1]:
                weight = twice * C[part, t, n]
                for c in range(h.shape[2]):
                    y[c] += weight * h[part, n, c]
            else:
                for c in range(h.shape[2]):
                    y[c] += twice * C_tile[part, n, c] * h[part, n, c]


@compiled
def adjoint_read(t, h, slope, C, C_tile, dC, dC_tile, g):
    """Add to the gradients of the states and of `C` what comes through the output of step `t`."""
    for part in range(2):
        twice = h.dtype.type(2 - 4 * part)
        for n in range(h.shape[1]):
            if C.shape[1]:
                weight, total = twice * C[part, t, n], h.dtype.type(0)
                for c in range(h.shape[2]):
                    total += slope[c] * h[part, n, c]
                for c in range(h.shape[2]):
                    g[part, n, c] += weight * slope[c]
                dC[part, t, n] += twice * total
            else:
                for c in range(h.shape[2]):
                    dC_tile[part, n, c] += twice * slope[c] * h[part, n, c]
                for c in range(h.shape[2]):
                    g[part, n, c] += twice * C_tile[part, n, c] * slope[c]


@compiled
def adjoint_drive(t, drive, g, B, B_tile, dB, dB_tile, ddrive):
    """Fill the gradient of the drive of step `t` and add to that of `B`."""
    ddrive[:] = 0
    for part in range(2):
        for n in range(g.shape[1]):
            if B.shape[1]:
                b, total = B[part, t, n], g.dtype.type(0)
                for c in range(g.shape[2]):
                    total += g[part, n, c] * drive[c]
                    ddrive[c] += g[part, n, c] * b
                dB[part, t, n] += total
            else:
                for c in range(g.shape[2]):
                    ddrive[c] += g[part, n, c] * B_tile[part, n, c]
                for c in range(g.shape[2]):
                    dB_tile[part, n, c] += g[part, n, c] * drive[c]


@compiled
def adjoint_decay(size, A, h, decay, g, dA, dsize):
    """Take `g` to the states before the step, fill the gradient of `dt`, add to that of `A`."""
    dsize[:] = 0
    for n in range(g.shape[1]):
        for c in range(g.shape[2]):
            re = g[0, n, c] * decay[0, n, c] + g[1, n, c] * decay[1, n, c]
            im = g[1, n, c] * decay[0, n, c] - g[0, n, c] * decay[1, n, c]
            g[0, n, c], g[1, n, c] = re, im
        # Gradient of size * A, its real part and then its imaginary part.
        for c in range(g.shape[2]):
            value = g[0, n, c] * h[0, n, c] + g[1, n, c] * h[1, n, c]
            dA[0, n, c] += value * size[c]
            dsize[c] += value * A[0, n, c]
        for c in range(g.shape[2]):
            value = g[1, n, c] * h[0, n, c] - g[0, n, c] * h[1, n, c]
            dA[1, n, c] += value * size[c]
            dsize[c] += value * A[1, n, c]


@compiled
def constants(A, B, C, left, stop):
    """Tiles of `A` and of those of `B` and `C` that are constant."""
    a = np.empty((2, A.shape[2], stop - left), A.dtype)
    b, c = np.empty_like(a), np.empty_like(a)
    for part in range(2):
        tiles.turn(A[part], left, a[part])
        if tiles.groups(B[part], A.shape[1]) == 0:
            tiles.turn(B[part, 0, :, 0], left, b[part])
        if tiles.groups(C[part], A.shape[1]) == 0:
            tiles.turn(C[part, 0, :, 0], left, c[part])
    return a, b, c


@compiled
def row(rows, i, left, dim):
    """`B` or `C` of row `i` and the tile at `left`, (part, time, state)."""
    groups = tiles.groups(rows[0], dim)
    return rows[:, i, left * groups // dim] if groups else rows[:, 0, 0, :0]


@compiled
def begin(i, left, initial, h):
    """Fill the states before a sequence."""
    h[:] = 0
    if initial.shape[1]:
        for part in range(2):
            tiles.turn(initial[part, i], left, h[part])


@compiled
def finish(i, left, h, end):
    """Undo `begin`."""
    if end.shape[1]:
        for part in range(2):
            tiles.turn_back(h[part], end[part, i], left)


@compiled
def forward(first, last, left, right, width, spans, u, dt, A, B, C, initial, y, end):
    """Fill `y` and `end`, the last state, of sequences `first` to `last`, channels `left` on."""
    dim, (room, _) = u.shape[1], tiles.room(first, last, spans)
    while left < right:
        stop = tiles.end(left, right, width, dim, tiles.groups(B[0], dim), tiles.groups(C[0], dim))
        a, b, c = constants(A, B, C, left, stop)
        h, decay, size = (
            np.empty_like(a),
            np.empty_like(a),
            np.empty((room, stop - left), a.dtype),
        )
        drive, out = np.empty_like(size), np.empty_like(size)
        for i in range(first, last):
            r, end_of, segment = spans[i, 0], spans[i, 2], spans[i, 3]
            begin(i, left, initial, h)
            row_B, row_C = row(B, r, left, dim), row(C, r, left, dim)
            for start in range(spans[i, 1], end_of, segment):
                after = min(start + segment, end_of)
                tiles.load_drive(r, left, start, after, u, dt, size, drive)
                for k in range(after - start):
                    factor(size[k], a, decay)
                    advance(start + k, drive[k], decay, row_B, b, h, h)
                    read(start + k, h, row_C, c, out[k])
                tiles.store(out, y, r, left, start, after)
            finish(i, left, h, end)
        left = stop


@compiled
def mark(r, left, origin, segment, u, dt, a, B, b, marks, decay, size, drive):
    """Fill `marks[1:]`, the states before every later segment, from `marks[0]`."""
    for s in range(marks.shape[0] - 1):
        copy_rows(marks[s], marks[s + 1])
        start = origin + s * segment
        tiles.load_drive(r, left, start, start + segment, u, dt, size, drive)
        for k in range(segment):
            factor(size[k], a, decay)
            advance(start + k, drive[k], decay, B, b, marks[s + 1], marks[s + 1])


@compiled
def backward(
    first, last, left, right, width, spans, u, dt, A, B, C, initial, dy, dend, y,
    du, ddt, dA, dB, dC, dinitial,
):  # fmt: skip
    """Fill the gradients of sequences `first` to `last`, channels `left` to `right`.

    States are computed again, segment by segment from the end; `y` is filled too if it has rows.
    `dA`, `dB` and `dC` are sums that this call alone adds to.
    """
    dim, state, (room, most) = u.shape[1], A.shape[2], tiles.room(first, last, spans)
    while left < right:
        stop = tiles.end(left, right, width, dim, tiles.groups(B[0], dim), tiles.groups(C[0], dim))
        a, b, c = constants(A, B, C, left, stop)
        da, db, dc = np.zeros_like(a), np.zeros_like(a), np.zeros_like(a)
        g, channels = np.empty_like(a), stop - left
        h = np.empty((room + 1, 2, state, channels), a.dtype)
        decay = np.empty((room, 2, state, channels), a.dtype)
        marks = np.empty((most, 2, state, channels), a.dtype)
        size = np.empty((room, channels), a.dtype)
        drive, slope, out = np.empty_like(size), np.empty_like(size), np.empty_like(size)
        for i in range(first, last):
            r, origin, end_of, segment = spans[i, 0], spans[i, 1], spans[i, 2], spans[i, 3]
            own = marks[: tiles.room(i, i + 1, spans)[1]]
            row_B, row_C = row(B, r, left, dim), row(C, r, left, dim)
            row_dB, row_dC = row(dB, r, left, dim), row(dC, r, left, dim)
            begin(i, left, dend, g)
            begin(i, left, initial, own[0])
            mark(r, left, origin, segment, u, dt, a, row_B, b, own, decay[0], size, drive)
            for s in range(own.shape[0] - 1, -1, -1):
                start = origin + s * segment
                after = min(start + segment, end_of)
                tiles.load_drive(r, left, start, after, u, dt, size, drive)
                tiles.load(dy, r, left, start, after, slope)
                copy_rows(own[s], h[0])
                for k in range(after - start):
                    factor(size[k], a, decay[k])
                    advance(start + k, drive[k], decay[k], row_B, b, h[k], h[k + 1])
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
        for part in range(2):
            tiles.add_back(da[part], dA[part], left)
            if tiles.groups(B[0], dim) == 0:
                tiles.add_back(db[part], dB[part, 0, :, 0], left)
            if tiles.groups(C[0], dim) == 0:
                tiles.add_back(dc[part], dC[part, 0, :, 0], left)
        left = stop
