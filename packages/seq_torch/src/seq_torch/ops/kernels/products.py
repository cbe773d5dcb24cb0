"""Small matrix products: rows side by side, the innermost loop along rows that lie in memory.

Four rows of the right factor are taken at a time, so that what is added to is read and written once
for four products; two rows of the left factor share what is read of the right one.
"""

from __future__ import annotations

from .compiler import compiled


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
    count, inner = left.shape
    whole = inner // 4 * 4
    for i in range(0, count - 1, 2):
        for p in range(0, whole, 4):
            a, b, c, d = left[i, p], left[i, p + 1], left[i, p + 2], left[i, p + 3]
            e, f, g, h = left[i + 1, p], left[i + 1, p + 1], left[i + 1, p + 2], left[i + 1, p + 3]
            for j in range(target.shape[1]):
                w, x, y, z = right[p, j], right[p + 1, j], right[p + 2, j], right[p + 3, j]
                target[i, j] += a * w + b * x + c * y + d * z
                target[i + 1, j] += e * w + f * x + g * y + h * z
        add_rows(target[i], left[i], right, whole, inner)
        add_rows(target[i + 1], left[i + 1], right, whole, inner)
    if count % 2:
        add_rows(target[count - 1], left[count - 1], right, 0, inner)


@compiled
def fill_dots(target, left, right, each):
    """Fill `left @ right.T`; row i at least up to column `(i + 1) * each`."""
    for i in range(left.shape[0]):
        stop = min(right.shape[0], (i + 1) * each)
        whole = stop // 4 * 4
        for j in range(0, whole, 4):
            a = b = c = d = target.dtype.type(0)
            for p in range(left.shape[1]):
                x = left[i, p]
                a += x * right[j, p]
                b += x * right[j + 1, p]
                c += x * right[j + 2, p]
                d += x * right[j + 3, p]
            target[i, j], target[i, j + 1], target[i, j + 2], target[i, j + 3] = a, b, c, d
        for j in range(whole, stop):
            target[i, j] = dot(left[i], right[j])


@compiled
def dot(x, y):
    """Sum of the products of two vectors."""
    total = x.dtype.type(0)
    for p in range(x.shape[0]):
        total += x[p] * y[p]
    return total
