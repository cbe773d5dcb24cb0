"""Linear scan of complex numbers, given as real arrays (batch, time, 2 state): real, imaginary, ...

The compiler turns complex arithmetic into one number at a time; on neighbouring real numbers it
works on whole vectors. Each loop writes to one array for the same reason. Otherwise as `linear`,
whose arguments these kernels have; states `left` to `right` are counted in pairs.
"""

from __future__ import annotations

from .compiler import compiled


@compiled
def forward(first, last, left, right, a, b, initial, h):
    """Fill `h` with the states; `initial` has no rows where it is zero."""
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a = i % a.shape[0]
        factor, start = a[i_a, 0], h[i, 0]
        for n in range(2 * left, 2 * right):
            start[n] = b[i, 0, n]
        if initial.shape[0]:
            before = initial[i]
            for n in range(left, right):
                re, im = before[2 * n], before[2 * n + 1]
                start[2 * n] += factor[2 * n] * re - factor[2 * n + 1] * im
                start[2 * n + 1] += factor[2 * n] * im + factor[2 * n + 1] * re
        for t in range(1, b.shape[1]):
            factor, before, driven, after = a[i_a, t * vary_time], h[i, t - 1], b[i, t], h[i, t]
            for n in range(left, right):
                re, im = before[2 * n], before[2 * n + 1]
                after[2 * n] = factor[2 * n] * re - factor[2 * n + 1] * im + driven[2 * n]
                after[2 * n + 1] = factor[2 * n] * im + factor[2 * n + 1] * re + driven[2 * n + 1]


@compiled
def backward(first, last, left, right, a, initial, h, dh, da, db, dinitial):
    """Fill `db` and `dinitial`, and add to `da`, which sums over what `a` does not change with."""
    time = h.shape[1]
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a, i_da = i % a.shape[0], i % da.shape[0]
        for n in range(2 * left, 2 * right):
            db[i, time - 1, n] = dh[i, time - 1, n]
        for t in range(time - 1, 0, -1):
            factor, after, own, before = a[i_a, t * vary_time], db[i, t], dh[i, t - 1], db[i, t - 1]
            for n in range(left, right):
                re, im = after[2 * n], after[2 * n + 1]
                before[2 * n] = factor[2 * n] * re + factor[2 * n + 1] * im + own[2 * n]
                before[2 * n + 1] = factor[2 * n] * im - factor[2 * n + 1] * re + own[2 * n + 1]
            _add_product(left, right, db[i, t], h[i, t - 1], da[i_da, t * vary_time])
        if initial.shape[0]:
            factor, after, before = a[i_a, 0], db[i, 0], dinitial[i]
            for n in range(left, right):
                re, im = after[2 * n], after[2 * n + 1]
                before[2 * n] = factor[2 * n] * re + factor[2 * n + 1] * im
                before[2 * n + 1] = factor[2 * n] * im - factor[2 * n + 1] * re
            _add_product(left, right, db[i, 0], initial[i], da[i_da, 0])


@compiled
def _add_product(left, right, x, y, total):
    """Add the product of x and the conjugate of y."""
    for n in range(left, right):
        re, im = y[2 * n], y[2 * n + 1]
        total[2 * n] += x[2 * n] * re + x[2 * n + 1] * im
        total[2 * n + 1] += x[2 * n + 1] * re - x[2 * n] * im
