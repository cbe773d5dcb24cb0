r"""The delta rule by chunks whose rows are steps times factors, for each (batch, head) in turn.

Axes: q (lane, time, key), k (lane, row, key), v (lane, row, value), beta (lane, row), decay (lane,
time). `spans` (sequence, 4) says where each sequence lies in them: its lane, its first step, that
after its last, and its place for the state before its first chunk. The first factor of a step has
its decay, the others have none, and q reads after the last.
With :math:`R_{ij}` the product of the decays over rows (j, i], :math:`D_i` that from the chunk's
start and S the state before the chunk,

.. math::
    r_i = v_i - D_i S^\top k_i - \sum_{j < i} R_{ij} (k_i \cdot k_j) u_j, \qquad u_i = \beta_i r_i,
    \qquad o_i = D_i S^\top q_i + \sum_{j \le i} R_{ij} (q_i \cdot k_j) u_j.

`forward` keeps r and S, from which `backward` goes through the chunks in reverse.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_rows, turn
from .products import BLOCK, add_lower, add_product, add_rows, add_upper, dot, fill_dots


@compiled
def forward(first, last, rows, spans, q, k, v, beta, decay, state, output, residual, states):
    """Fill the output, carry `state` on; keep r and the states before chunks if there is room."""
    factors = k.shape[1] // max(q.shape[1], 1)
    ratio, since = np.empty((rows, rows), v.dtype), np.empty(rows, v.dtype)
    mixed, read = np.empty((rows, rows), v.dtype), np.empty((rows, rows), v.dtype)
    written, apart = np.empty((rows, v.shape[2]), v.dtype), np.empty((rows, v.shape[2]), v.dtype)
    late, across = np.empty((rows, k.shape[2]), v.dtype), np.empty((k.shape[2], rows), v.dtype)
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1] * factors, spans[each, 2] * factors
        S = state[each]
        for start in range(left, right, rows):
            stop = min(start + rows, right)
            begin, end, count = start // factors, stop // factors, stop - start
            keys, queries, u = k[lane, start:stop], q[lane, begin:end], written[:count]
            r = residual[lane, start:stop] if len(residual) else apart[:count]
            if len(states):
                copy_rows(S, states[lane, spans[each, 3] + (start - left) // rows])
            _decays(decay[lane, begin:end], factors, ratio, since)
            _scores(keys, queries, factors, ratio, mixed, read)
            _write(v[lane, start:stop], beta[lane, start:stop], keys, S, since, mixed, r, u)
            _read(queries, S, u, factors, since, read, output[lane, begin:end])
            _scaled(keys, ratio[count - 1], 1, late)
            _decay(S, since[count - 1])
            _add_outer(S, late[:count], u, across)


@compiled
def backward(
    first, last, rows, spans, q, k, beta, decay, residual, states, dy, dstate,
    dq, dk, dv, dbeta, dlog
):  # fmt: skip
    """Fill the gradients; `dstate`, that of the last state, becomes that of the initial one."""
    factors = k.shape[1] // max(q.shape[1], 1)
    ratio, since = np.empty((rows, rows), dv.dtype), np.empty(rows, dv.dtype)
    mixed, read = np.empty((rows, rows), dv.dtype), np.empty((rows, rows), dv.dtype)
    inner, passed = np.empty((rows, rows), dv.dtype), np.empty((rows + 1, rows + 1), dv.dtype)
    written = np.empty((rows, dv.shape[2]), dv.dtype)
    late, moved = np.empty((rows, k.shape[2]), dv.dtype), np.empty((rows, k.shape[2]), dv.dtype)
    turned, across = (
        np.empty((dv.shape[2], k.shape[2]), dv.dtype),
        np.empty((k.shape[2], rows), dv.dtype),
    )
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1] * factors, spans[each, 2] * factors
        dS = dstate[each]
        for start in range(left + (right - left - 1) // rows * rows, left - 1, -rows):
            stop = min(start + rows, right)
            begin, end, count = start // factors, stop // factors, stop - start
            keys, queries, u = k[lane, start:stop], q[lane, begin:end], written[:count]
            S = states[lane, spans[each, 3] + (start - left) // rows]
            do, w = dy[lane, begin:end], dv[lane, start:stop]
            r, dkeys, dqueries = (
                residual[lane, start:stop],
                dk[lane, start:stop],
                dq[lane, begin:end],
            )
            _scaled(r, beta[lane, start:stop], 1, u)
            _decays(decay[lane, begin:end], factors, ratio, since)
            _scores(keys, queries, factors, ratio, mixed, read)
            passed[:] = 0

            _scaled(keys, ratio[count - 1], 1, late)
            w[:] = 0
            add_product(w, late[:count], dS)
            _write_back(
                beta[lane, start:stop], r, do, factors, mixed, read, w, dbeta[lane, start:stop]
            )
            turn(dS, turned)
            _late_back(late, ratio[count - 1], u, turned, moved, dkeys, passed[:, count])
            passed[0, count] = since[count - 1] * dot(S.reshape(-1), dS.reshape(-1))
            turn(S, turned)
            _state_back(keys, w, turned, 1, since, -1, moved, dkeys, passed[0])
            dqueries[:] = 0
            _state_back(queries, do, turned, factors, since, 1, moved, dqueries, passed[0])
            _decay(dS, since[count - 1])
            _scaled(queries, since[factors - 1 :: factors], 1, late)
            _add_outer(dS, late[: end - begin], do, across)
            _scaled(keys, since, -1, late)
            _add_outer(dS, late[:count], w, across)
            _writes_apart(keys, w, u, ratio, mixed, inner, dkeys, passed)
            _reads_apart(keys, queries, do, u, factors, ratio, read, inner, dkeys, dqueries, passed)
            _sum_of_intervals(passed, count, factors, dlog[lane, begin:end])


@compiled
def _decays(decay, factors, ratio, since):
    """Fill R below the diagonal, 1 on it, and D."""
    for i in range(decay.shape[0] * factors):
        factor = decay[i // factors] if i % factors == 0 else decay.dtype.type(1)
        for j in range(i):
            ratio[i, j] = ratio[i - 1, j] * factor
        ratio[i, i] = 1
        since[i] = since[i - 1] * factor if i else factor


@compiled
def _scores(keys, queries, factors, ratio, mixed, read):
    """Fill what a row takes from earlier writes: -R k.k below the diagonal, and R q.k on it too.

    What is not earlier is zero.
    """
    fill_dots(mixed, keys, keys, 1)
    for i in range(keys.shape[0]):
        for j in range(i):
            mixed[i, j] *= -ratio[i, j]
        mixed[i, i:] = 0
    fill_dots(read, queries, keys, factors)
    for t in range(queries.shape[0]):
        stop = (t + 1) * factors
        for j in range(stop):
            read[t, j] *= ratio[stop - 1, j]
        read[t, stop:] = 0


@compiled
def _write(v, beta, keys, S, since, mixed, r, u):
    """Solve for r and u, block after block, and in each row after row."""
    u[:] = 0
    add_product(u, keys, S)
    for i in range(v.shape[0]):
        for n in range(v.shape[1]):
            r[i, n] = v[i, n] - since[i] * u[i, n]
    for start in range(0, v.shape[0], BLOCK):
        stop = min(start + BLOCK, v.shape[0])
        add_product(r[start:stop], mixed[start:stop, :start], u)
        for i in range(start, stop):
            add_rows(r[i], mixed[i], u, start, i)
            for n in range(v.shape[1]):
                u[i, n] = beta[i] * r[i, n]


@compiled
def _read(queries, S, u, factors, since, read, o):
    """Read the state before the chunk, and what has been written since."""
    o[:] = 0
    add_product(o, queries, S)
    for t in range(o.shape[0]):
        for n in range(o.shape[1]):
            o[t, n] *= since[t * factors + factors - 1]
    add_lower(o, read[: o.shape[0], : u.shape[0]], u, factors)


@compiled
def _write_back(beta, r, do, factors, mixed, read, w, dbeta):
    """Turn `w`, what later chunks ask of u, into the gradient of r, from the last block on."""
    count = w.shape[0]
    add_upper(w, read[: do.shape[0], :count], do, factors)
    for start in range((count - 1) // BLOCK * BLOCK, -1, -BLOCK):
        stop = min(start + BLOCK, count)
        add_product(w[start:stop], mixed[stop:count, start:stop].T, w[stop:])
        for j in range(stop - 1, start - 1, -1):
            add_rows(w[j], mixed[:, j], w, j + 1, stop)
            dbeta[j] = dot(w[j], r[j])
            for n in range(w.shape[1]):
                w[j, n] *= beta[j]


@compiled
def _late_back(late, weights, u, turned, moved, dkeys, passed):
    """Gradients of keys, and of the decays behind them, in what the chunk leaves in the state."""
    moved[:] = 0
    add_product(moved, u, turned)
    for j in range(u.shape[0]):
        passed[j + 1] = dot(late[j], moved[j])
        for n in range(dkeys.shape[1]):
            dkeys[j, n] = weights[j] * moved[j, n]


@compiled
def _state_back(x, dx_of_read, turned, factors, since, sign, moved, dx, passed):
    """Gradients of keys or queries `x` that read the state before the chunk, and of the decays."""
    moved[:] = 0
    add_product(moved, dx_of_read, turned)
    for t in range(x.shape[0]):
        i = t * factors + factors - 1
        weight = since.dtype.type(sign) * since[i]
        passed[i] += weight * dot(x[t], moved[t])
        for n in range(x.shape[1]):
            dx[t, n] += weight * moved[t, n]


@compiled
def _writes_apart(keys, w, u, ratio, mixed, inner, dkeys, passed):
    """Gradients in what a row writes in place of earlier ones."""
    count = keys.shape[0]
    fill_dots(inner, w, u, 1)
    for i in range(count):
        for j in range(i):
            passed[j + 1, i] += mixed[i, j] * inner[i, j]
            inner[i, j] *= -ratio[i, j]
        inner[i, i:] = 0
    add_lower(dkeys, inner[:count, :count], keys, 1)
    add_upper(dkeys, inner[:count, :count], keys, 1)


@compiled
def _reads_apart(keys, queries, do, u, factors, ratio, read, inner, dkeys, dqueries, passed):
    """Gradients in what is read of earlier rows of the chunk."""
    steps, count = do.shape[0], keys.shape[0]
    fill_dots(inner, do, u, factors)
    for t in range(steps):
        i = t * factors + factors - 1
        for j in range(i + 1):
            passed[j + 1, i] += read[t, j] * inner[t, j]
            inner[t, j] *= ratio[i, j]
        inner[t, i + 1 :] = 0
    add_lower(dqueries, inner[:steps, :count], keys, factors)
    add_upper(dkeys, inner[:steps, :count], queries, factors)


@compiled
def _sum_of_intervals(passed, count, factors, dlog):
    """Sum `passed[j, i]`, which goes through the decays of rows j to i, for every first factor."""
    for m in range(count):
        if m:
            for i in range(count + 1):
                passed[m, i] += passed[m - 1, i]
        if m % factors == 0:
            total = passed.dtype.type(0)
            for i in range(m, count + 1):
                total += passed[m, i]
            dlog[m // factors] = total


@compiled
def _add_outer(S, left, right, across):
    """Add `left.T @ right`; a left factor whose rows lie in memory is read faster."""
    turn(left, across)
    add_product(S, across[:, : left.shape[0]], right)


@compiled
def _scaled(rows, weights, sign, target):
    """Fill rows times a weight each."""
    for i in range(rows.shape[0]):
        weight = weights.dtype.type(sign) * weights[i]
        for n in range(rows.shape[1]):
            target[i, n] = weight * rows[i, n]


@compiled
def _decay(S, factor):
    """Multiply a state by a number."""
    for i in range(S.shape[0]):
        for n in range(S.shape[1]):
            S[i, n] *= factor
