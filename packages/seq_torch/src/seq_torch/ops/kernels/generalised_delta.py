r"""The generalised delta rule step by step, for each (batch, head) in turn.

Axes: q, k, a, b and decay (lane, time, key), v (lane, time, value), a state (key, value), innermost
loop over the value. `spans` (sequence, 4) says where each sequence lies in them: its lane, its
first step, that after its last, and its place for the state before its first chunk. With what a
step recalls, :math:`u = S_{t-1}^\top a`,

.. math:: S_t = w \odot S_{t-1} + b u^\top + k v^\top, \qquad o = S_t^\top q.

`forward` keeps the state before every chunk, from which `backward` computes those inside again.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_rows
from .products import add_rows, dot


@compiled
def forward(first, last, rows, spans, q, k, v, a, b, decay, state, output, states):
    """Fill the output, carry `state` on; keep the states before chunks if there is room."""
    u = np.empty(v.shape[2], v.dtype)
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1], spans[each, 2]
        S = state[each]
        for t in range(left, right):
            if len(states) and (t - left) % rows == 0:
                copy_rows(S, states[lane, spans[each, 3] + (t - left) // rows])
            _recall(S, a[lane, t], u)
            _advance(S, decay[lane, t], b[lane, t], u, k[lane, t], v[lane, t], S)
            _recall(S, q[lane, t], output[lane, t])


@compiled
def backward(
    first, last, rows, spans, q, k, v, a, b, decay, states, dy, dstate, dq, dk, dv, da, db, ddecay
):
    """Fill the gradients; `dstate`, that of the last state, becomes that of the initial one."""
    inside = np.empty((rows + 1, k.shape[2], v.shape[2]), v.dtype)
    recalled = np.empty((rows, v.shape[2]), v.dtype)
    du = np.empty(v.shape[2], v.dtype)
    for each in range(first, last):
        lane, left, right = spans[each, 0], spans[each, 1], spans[each, 2]
        dS = dstate[each]
        for start in range(left + (right - left - 1) // rows * rows, left - 1, -rows):
            stop = min(start + rows, right)
            copy_rows(states[lane, spans[each, 3] + (start - left) // rows], inside[0])
            for t in range(start, stop):
                S, u = inside[t - start], recalled[t - start]
                _recall(S, a[lane, t], u)
                _advance(
                    S, decay[lane, t], b[lane, t], u, k[lane, t], v[lane, t], inside[t - start + 1]
                )
            for t in range(stop - 1, start - 1, -1):
                S, after, u = inside[t - start], inside[t - start + 1], recalled[t - start]
                _read_back(after, dS, q[lane, t], dy[lane, t], dq[lane, t])
                _dots(dS, v[lane, t], dk[lane, t])
                _dots(dS, u, db[lane, t])
                _recall(dS, k[lane, t], dv[lane, t])
                _recall(dS, b[lane, t], du)
                _state_back(S, dS, a[lane, t], decay[lane, t], du, da[lane, t], ddecay[lane, t])


@compiled
def _recall(S, x, result):
    """Fill in S^T x."""
    result[:] = 0
    add_rows(result, x, S, 0, S.shape[0])


@compiled
def _advance(S, decay, b, u, k, v, after):
    """Fill in the next state, which may be the same array."""
    for c in range(S.shape[0]):
        w, of_u, of_v = decay[c], b[c], k[c]
        for n in range(S.shape[1]):
            after[c, n] = w * S[c, n] + of_u * u[n] + of_v * v[n]


@compiled
def _read_back(after, dS, q, do, dq):
    """Gradient of q, and what reading adds to that of the state."""
    for c in range(dS.shape[0]):
        dq[c] = dot(after[c], do)
        for n in range(dS.shape[1]):
            dS[c, n] += q[c] * do[n]


@compiled
def _dots(S, x, result):
    """Fill in S x."""
    for c in range(S.shape[0]):
        result[c] = dot(S[c], x)


@compiled
def _state_back(S, dS, a, decay, du, da, ddecay):
    """Gradients of a and of the decays, and that of the state a step before."""
    for c in range(dS.shape[0]):
        da[c] = dot(S[c], du)
        ddecay[c] = dot(S[c], dS[c])
        for n in range(dS.shape[1]):
            dS[c, n] = decay[c] * dS[c, n] + a[c] * du[n]
