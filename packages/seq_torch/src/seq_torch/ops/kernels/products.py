"""Small matrix products: rows side by side, the innermost loop along rows that lie in memory.

A product keeps four rows of the target, two vectors of each, in registers while it goes along the
inner axis. Elsewhere four rows of the right factor are taken at a time, so that what is added to is
read and written once for four of them.
"""

from __future__ import annotations

from .compiler import compiled
from .vectors import BYTES, load, multiply_add, store

BLOCK = 8  # rows of a triangular product that are taken together


@compiled
def add_rows(target, weights, rows, first, last):
    """Add the sum of `weights[p] * rows[p]` over `first <= p < last` to the vector `target`."""
    whole = first + (last - first) // 4 * 4
    for p in range(first, whole, 4):
        a, b, c, d = weights[p], weights[p + 1], weights[p + 2], weights[p + 3]
        for j in range(target.shape[0]):
            total = a * rows[p, j] + b * rows[p + 1, j] + c * rows[p + 2, j] + d * rows[p + 3, j]
            target[j] += total
    for p in range(whole, last):
        weight = weights[p]
        for j in range(target.shape[0]):
            target[j] += weight * rows[p, j]


@compiled
def add_product(target, left, right):
    """Add `left @ right` to the matrix `target`."""
    lanes = BYTES // target.itemsize
    rows, wide = left.shape[0] // 4 * 4, target.shape[1] // (2 * lanes) * (2 * lanes)
    narrow = target.shape[1] // lanes * lanes
    for i in range(0, rows, 4):
        for j in range(0, wide, 2 * lanes):
            _add_wide(target, left, right, i, j, lanes)
        if wide < narrow:
            _add_narrow(target, left, right, i, wide)
        for n in range(i, i + 4):
            if narrow < target.shape[1]:
                add_rows(target[n, narrow:], left[n], right[:, narrow:], 0, left.shape[1])
    for i in range(rows, left.shape[0]):
        add_rows(target[i], left[i], right, 0, left.shape[1])


@compiled
def _add_wide(target, left, right, i, j, lanes):
    """Add to four rows of two vectors each."""
    k = j + lanes
    a, b, c, d = (load(target, i, j), load(target, i + 1, j), load(target, i + 2, j),
                  load(target, i + 3, j))  # fmt: skip
    e, f, g, h = (load(target, i, k), load(target, i + 1, k), load(target, i + 2, k),
                  load(target, i + 3, k))  # fmt: skip
    for p in range(left.shape[1]):
        x, y = load(right, p, j), load(right, p, k)
        a, e = multiply_add(left[i, p], x, a), multiply_add(left[i, p], y, e)
        b, f = multiply_add(left[i + 1, p], x, b), multiply_add(left[i + 1, p], y, f)
        c, g = multiply_add(left[i + 2, p], x, c), multiply_add(left[i + 2, p], y, g)
        d, h = multiply_add(left[i + 3, p], x, d), multiply_add(left[i + 3, p], y, h)
    store(target, i, j, a)
    store(target, i + 1, j, b)
    store(target, i + 2, j, c)
    store(target, i + 3, j, d)
    store(target, i, k, e)
    store(target, i + 1, k, f)
    store(target, i + 2, k, g)
    store(target, i + 3, k, h)


@compiled
def _add_narrow(target, left, right, i, j):
    """Add to four rows of one vector each."""
    a, b, c, d = (load(target, i, j), load(target, i + 1, j), load(target, i + 2, j),
                  load(target, i + 3, j))  # fmt: skip
    for p in range(left.shape[1]):
        x = load(right, p, j)
        a, b = multiply_add(left[i, p], x, a), multiply_add(left[i + 1, p], x, b)
        c, d = multiply_add(left[i + 2, p], x, c), multiply_add(left[i + 3, p], x, d)
    store(target, i, j, a)
    store(target, i + 1, j, b)
    store(target, i + 2, j, c)
    store(target, i + 3, j, d)


@compiled
def add_lower(target, left, right, each):
    """Add `left @ right`, where row i of `left` is zero from column `(i + 1) * each` on."""
    for start in range(0, left.shape[0], BLOCK):
        stop = min(start + BLOCK, left.shape[0])
        add_product(target[start:stop], left[start:stop, : stop * each], right)


@compiled
def add_upper(target, left, right, each):
    """Add `left.T @ right`, where row i of `left` is zero from column `(i + 1) * each` on."""
    for start in range(0, left.shape[1], BLOCK):
        stop, first = min(start + BLOCK, left.shape[1]), start // each
        add_product(target[start:stop], left[first:, start:stop].T, right[first:])


@compiled
def fill_dots(target, left, right, each):
    """Fill `left @ right.T`; row i at least up to column `(i + 1) * each`."""
    for i in range(0, left.shape[0] - 1, 2):
        stop = min(right.shape[0], (i + 2) * each)
        whole = stop // 4 * 4
        for j in range(0, whole, 4):
            a = b = c = d = e = f = g = h = target.dtype.type(0)
            for p in range(left.shape[1]):
                x, y = left[i, p], left[i + 1, p]
                q, r, s, t = right[j, p], right[j + 1, p], right[j + 2, p], right[j + 3, p]
                a, b, c, d = a + x * q, b + x * r, c + x * s, d + x * t
                e, f, g, h = e + y * q, f + y * r, g + y * s, h + y * t
            target[i, j], target[i, j + 1], target[i, j + 2], target[i, j + 3] = a, b, c, d
            k = i + 1
            target[k, j], target[k, j + 1], target[k, j + 2], target[k, j + 3] = e, f, g, h
        for j in range(whole, stop):
            target[i, j], target[i + 1, j] = dot(left[i], right[j]), dot(left[i + 1], right[j])
    if left.shape[0] % 2:
        last = left.shape[0] - 1
        for j in range(min(right.shape[0], (last + 1) * each)):
            target[last, j] = dot(left[last], right[j])


@compiled
def dot(x, y):
    """Sum of the products of two vectors."""
    total = x.dtype.type(0)
    for p in range(x.shape[0]):
        total += x[p] * y[p]
    return total
