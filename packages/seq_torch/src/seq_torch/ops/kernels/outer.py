r"""The outer scan step by step, for each (batch, head) in turn, with a decay for every key channel.

Axes: q and decay (lane, time, key), k (lane, time, factor, key), v (lane, time, factor, value), a
state (key, value), innermost loop over the value. `spans` (sequence, 4) says where each sequence
lies in them: its lane, its first step, that after its last, and its place for the state before its
first chunk.

.. math:: S_t = w \odot S_{t-1} + \sum_j k_j v_j^\top, \qquad o = S_t^\top q.

`forward` keeps the state before every chunk, from which `backward` computes those inside again. No
product of decays is formed, so that they may be zero or of either sign.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_rows
from .products import add_rows, dot


@compiled
def forward(first, last, rows, spans, q, k, v, decay, state, output, states):
    """Fill the output, carry `state` on; keep the states before chunks if there is room."""
    ones, final = np.ones(k.shape[3], k.dtype), k.shape[2] - 1
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1], spans[each, 2]
        S = state[each]
        for t in range(left, right):
            if len(states) and (t - left) % rows == 0:
                copy_rows(S, states[lane, spans[each, 3] + (t - left) // rows])
            w, o = decay[lane, t], output[lane, t]
            for j in range(final):
                _advance(S, w, k[lane, t, j], v[lane, t, j], S)
                w = ones
            o[:] = 0
            _advance_and_read(S, w, k[lane, t, final], v[lane, t, final], q[lane, t], o)


@compiled
def backward(first, last, rows, spans, q, k, v, decay, states, dy, dstate, dq, dk, dv, ddecay):
    """Fill the gradients; `dstate`, that of the last state, becomes that of the initial one."""
    inside = np.empty((rows, k.shape[3], v.shape[3]), v.dtype)
    ones = np.ones(k.shape[3], k.dtype)
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1], spans[each, 2]
        dS, later = dstate[each], ones
        for start in range(left + (right - left - 1) // rows * rows, left - 1, -rows):
            stop = min(start + rows, right)
            copy_rows(states[lane, spans[each, 3] + (start - left) // rows], inside[0])
            for t in range(start, stop - 1):
                S, after = inside[t - start], inside[t - start + 1]
                _step(S, decay[lane, t], k[lane, t], v[lane, t], ones, after)
            for t in range(stop - 1, start - 1, -1):
                S, w, o = inside[t - start], decay[lane, t], dy[lane, t]
                given = (q[lane, t], k[lane, t], v[lane, t], w)
                found = (dq[lane, t], dk[lane, t], dv[lane, t], ddecay[lane, t])
                _step_back(S, dS, later, given, o, found)
                later = w
        _scale(dS, later)


@compiled
def _step(S, decay, k, v, ones, after):
    """Fill in the next state."""
    _advance(S, decay, k[0], v[0], after)
    for j in range(1, k.shape[0]):
        _advance(after, ones, k[j], v[j], after)


@compiled
def _advance(S, decay, k, v, after):
    """Decay a state and add one product; the next state may be the same array."""
    for c in range(S.shape[0]):
        w, of_v = decay[c], k[c]
        for n in range(S.shape[1]):
            after[c, n] = w * S[c, n] + of_v * v[n]


@compiled
def _advance_and_read(S, decay, k, v, q, output):
    """Advance a state in place and add what q reads, four channels at a time."""
    whole = S.shape[0] // 4 * 4
    for i in range(0, whole, 4):
        _advance_four(S, i, decay, k, v, q, output)
    for i in range(whole, S.shape[0]):
        a, e, m = decay[i], k[i], q[i]
        for n in range(v.shape[0]):
            x = a * S[i, n] + e * v[n]
            S[i, n] = x
            output[n] += m * x


@compiled
def _advance_four(S, i, decay, k, v, q, output):
    a, b, c, d = decay[i], decay[i + 1], decay[i + 2], decay[i + 3]
    e, f, g, h = k[i], k[i + 1], k[i + 2], k[i + 3]
    m, p, r, s = q[i], q[i + 1], q[i + 2], q[i + 3]
    for n in range(v.shape[0]):
        of_v = v[n]
        w = a * S[i, n] + e * of_v
        x = b * S[i + 1, n] + f * of_v
        y = c * S[i + 2, n] + g * of_v
        z = d * S[i + 3, n] + h * of_v
        S[i, n] = w
        S[i + 1, n] = x
        S[i + 2, n] = y
        S[i + 3, n] = z
        output[n] += m * w + p * x + r * y + s * z


@compiled
def _step_back(S, dS, later, given, dy, found):
    """Gradients of one step; that of the state after it is still to be scaled by `later`."""
    (q, k, v, decay), (dq, dk, dv, ddecay) = given, found
    for c in range(S.shape[0]):
        read, dk[0, c], ddecay[c] = _row_back(S[c], dS[c], later[c], q[c], dy, v[0])
        dq[c] = decay[c] * read
    for j in range(k.shape[0]):
        seen = dot(v[j], dy)
        for c in range(S.shape[0]):
            dq[c] += k[j, c] * seen
            if j:
                dk[j, c] = dot(dS[c], v[j])
        dv[j, :] = 0
        add_rows(dv[j], k[j], dS, 0, S.shape[0])


@compiled
def _row_back(S, dS, later, q, dy, v):
    """Bring a channel's gradient to after this step; its products with dy, the value and S."""
    read = written = kept = S.dtype.type(0)
    for n in range(S.shape[0]):
        x = later * dS[n] + q * dy[n]
        read += S[n] * dy[n]
        written += x * v[n]
        kept += x * S[n]
        dS[n] = x
    return read, written, kept


@compiled
def _scale(S, decay):
    for c in range(S.shape[0]):
        w = decay[c]
        for n in range(S.shape[1]):
            S[c, n] *= w
