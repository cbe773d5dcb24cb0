"""Tiles: channels side by side, so that the innermost loop of a kernel runs over them.

Sequences arrive in rows (row, dim, time), values per channel as (dim, state). A tile holds some
steps (step, channel) or states (state, channel) of neighbouring channels, which all share their row
of a varying `B` or `C`: that is one number for a whole loop.
"""

from __future__ import annotations

from .compiler import compiled


@compiled
def groups(rows, dim):
    """Count the groups of a varying `B` or `C`, (batch, group, time, state); 0 if constant."""
    is_constant = rows.shape[0] == 1 and rows.shape[1] == dim and rows.shape[2] == 1
    return 0 if is_constant else rows.shape[1]


@compiled
def end(left, right, width, dim, groups_B, groups_C):
    """Channel after the last of the tile that begins at `left`."""
    stop = min(right, left + width)
    if groups_B > 0:
        stop = min(stop, (left * groups_B // dim + 1) * dim // groups_B)
    if groups_C > 0:
        stop = min(stop, (left * groups_C // dim + 1) * dim // groups_C)
    return stop


@compiled
def room(first, last, spans):
    """Give the steps of the longest segment of these sequences, and their most segments, 1 or more.

    A row of `spans` is a sequence's row, first step, step after its last, and steps of a segment.
    """
    steps = count = 1
    for i in range(first, last):
        steps = max(steps, spans[i, 3])
        count = max(count, -(-(spans[i, 2] - spans[i, 1]) // spans[i, 3]))
    return steps, count


@compiled
def load(source, i, left, start, stop, tile):
    """Copy steps `start` to `stop` of row `i` into a tile."""
    for c in range(tile.shape[1]):
        for t in range(start, stop):
            tile[t - start, c] = source[i, left + c, t]


@compiled
def store(tile, target, i, left, start, stop):
    """Undo `load`."""
    for c in range(tile.shape[1]):
        for t in range(start, stop):
            target[i, left + c, t] = tile[t - start, c]


@compiled
def turn(source, left, tile):
    """Copy rows of (dim, state) into a tile (state, channel)."""
    for n in range(tile.shape[0]):
        for c in range(tile.shape[1]):
            tile[n, c] = source[left + c, n]


@compiled
def turn_back(tile, target, left):
    """Undo `turn`."""
    for n in range(tile.shape[0]):
        for c in range(tile.shape[1]):
            target[left + c, n] = tile[n, c]


@compiled
def add_back(tile, target, left):
    """Add a tile (state, channel) to rows of (dim, state)."""
    for n in range(tile.shape[0]):
        for c in range(tile.shape[1]):
            target[left + c, n] += tile[n, c]


@compiled
def load_drive(i, left, start, stop, u, dt, size, drive):
    """Load the step sizes, and their products with the input."""
    load(dt, i, left, start, stop, size)
    load(u, i, left, start, stop, drive)
    for k in range(stop - start):
        for c in range(size.shape[1]):
            drive[k, c] *= size[k, c]


@compiled
def store_gradients(i, left, start, stop, ddrive, size, dsize, u, du, ddt):
    """Fill the gradients of input and step size from those of the drive, their product."""
    for c in range(size.shape[1]):
        for t in range(start, stop):
            k = t - start
            du[i, left + c, t] = ddrive[k, c] * size[k, c]
            ddt[i, left + c, t] = dsize[k, c] + ddrive[k, c] * u[i, left + c, t]
