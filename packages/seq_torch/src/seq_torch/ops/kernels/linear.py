"""Linear scan of real numbers: axes (batch, time, state), innermost loop over the state.

Factors `a` have one row where they do not change with batch or time. Sequences `first` to `last`
and states `left` to `right` are one worker's own.
"""

from __future__ import annotations

from .compiler import compiled


@compiled
def forward(first, last, left, right, a, b, initial, h):
    """Fill `h` with the states; `initial` has no rows where it is zero."""
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a = i % a.shape[0]
        for n in range(left, right):
            h[i, 0, n] = b[i, 0, n]
        if initial.shape[0]:
            for n in range(left, right):
                h[i, 0, n] += a[i_a, 0, n] * initial[i, n]
        for t in range(1, b.shape[1]):
            t_a = t * vary_time
            for n in range(left, right):
                h[i, t, n] = a[i_a, t_a, n] * h[i, t - 1, n] + b[i, t, n]


@compiled
def backward(first, last, left, right, a, initial, h, dh, da, db, dinitial):
    """Fill `db` and `dinitial`, and add to `da`, which sums over what `a` does not change with."""
    time = h.shape[1]
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a, i_da = i % a.shape[0], i % da.shape[0]
        for n in range(left, right):
            db[i, time - 1, n] = dh[i, time - 1, n]
        for t in range(time - 1, 0, -1):
            t_a = t * vary_time
            for n in range(left, right):
                db[i, t - 1, n] = a[i_a, t_a, n] * db[i, t, n] + dh[i, t - 1, n]
            for n in range(left, right):
                da[i_da, t_a, n] += db[i, t, n] * h[i, t - 1, n]
        if initial.shape[0]:
            for n in range(left, right):
                da[i_da, 0, n] += db[i, 0, n] * initial[i, n]
                dinitial[i, n] = a[i_a, 0, n] * db[i, 0, n]
