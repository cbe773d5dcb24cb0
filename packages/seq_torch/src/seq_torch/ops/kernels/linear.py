"""Linear scan of real numbers: axes (batch, time, state), innermost loop over the state.

Factors `a` have one row where they do not change with batch or time. Sequences `first` to `last`
and states `left` to `right` are one worker's own. Loops run over rows cut to these states: indices
that are known not to be negative vectorise.
"""

from __future__ import annotations

from .compiler import compiled


@compiled
def forward(first, last, left, right, a, b, initial, h):
    """Fill `h` with the states; `initial` has no rows where it is zero."""
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a, start, driven = i % a.shape[0], h[i, 0, left:right], b[i, 0, left:right]
        for n in range(len(start)):
            start[n] = driven[n]
        if initial.shape[0]:
            _add_product(a[i_a, 0, left:right], initial[i, left:right], start)
        for t in range(1, b.shape[1]):
            factor, before = a[i_a, t * vary_time, left:right], h[i, t - 1, left:right]
            _step(factor, before, b[i, t, left:right], h[i, t, left:right])


@compiled
def backward(first, last, left, right, a, initial, h, dh, da, db, dinitial):
    """Fill `db` and `dinitial`, and add to `da`, which sums over what `a` does not change with."""
    time = h.shape[1]
    vary_time = int(a.shape[1] > 1)
    for i in range(first, last):
        i_a, i_da = i % a.shape[0], i % da.shape[0]
        end, own = db[i, time - 1, left:right], dh[i, time - 1, left:right]
        for n in range(len(end)):
            end[n] = own[n]
        for t in range(time - 1, 0, -1):
            t_a, after = t * vary_time, db[i, t, left:right]
            _step(
                a[i_a, t_a, left:right], after, dh[i, t - 1, left:right], db[i, t - 1, left:right]
            )
            _add_product(after, h[i, t - 1, left:right], da[i_da, t_a, left:right])
        if initial.shape[0]:
            start, before = db[i, 0, left:right], dinitial[i, left:right]
            _add_product(start, initial[i, left:right], da[i_da, 0, left:right])
            factor = a[i_a, 0, left:right]
            for n in range(len(before)):
                before[n] = factor[n] * start[n]


@compiled
def _step(factor, before, driven, after):
    for n in range(len(after)):
        after[n] = factor[n] * before[n] + driven[n]


@compiled
def _add_product(x, y, total):
    for n in range(len(total)):
        total[n] += x[n] * y[n]
