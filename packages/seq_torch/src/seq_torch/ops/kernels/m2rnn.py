r"""The matrix-to-matrix recurrence step by step, for each (batch, head) in turn.

Axes: q and k (lane, time, key), v (lane, time, value), decay (lane, time), weights (head, value,
value), a state (key, value), innermost loop over the value. With :math:`Z_t = \tanh(S_{t-1} W +
k v^\top)`,

.. math:: S_t = f S_{t-1} + (1 - f) Z_t, \qquad o = S_t^\top q.

`forward` keeps the state before every chunk, from which `backward` computes those inside again.
Gradients of each state are clipped to `clip`, and so are those of the last ones.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_rows
from .hyperbolic import tangent
from .products import add_product, add_rows, dot


@compiled
def forward(first, last, rows, q, k, v, decay, weight, state, output, states):
    """Fill the output, carry `state` on; keep the states before chunks if there is room."""
    Z = np.empty((k.shape[2], v.shape[2]), v.dtype)
    for lane in range(first, last):
        S, W = state[lane], weight[lane % len(weight)]
        for t in range(v.shape[1]):
            if len(states) and t % rows == 0:
                copy_rows(S, states[lane, t // rows])
            _advance(S, decay[lane, t], W, k[lane, t], v[lane, t], Z, S)
            output[lane, t, :] = 0
            add_rows(output[lane, t], q[lane, t], S, 0, S.shape[0])


@compiled
def backward(
    first, last, rows, q, k, v, decay, weight, turned, states, clip, dy, dstate, dq, dk, dv, ddecay,
    dweight,
):  # fmt: skip
    """Fill the gradients; `dstate`, that of the last state, becomes that of the initial one."""
    keys, values = k.shape[2], v.shape[2]
    inside = np.empty((rows + 1, keys, values), v.dtype)
    moved = np.empty((rows, keys, values), v.dtype)
    dZ, S_turned = np.empty((keys, values), v.dtype), np.empty((values, keys), v.dtype)
    for lane in range(first, last):
        dS, head = dstate[lane], lane % len(weight)
        for start in range((v.shape[1] - 1) // rows * rows, -1, -rows):
            stop = min(start + rows, v.shape[1])
            copy_rows(states[lane, start // rows], inside[0])
            for t in range(start, stop):
                i = t - start
                _advance(
                    inside[i], decay[lane, t], weight[head], k[lane, t], v[lane, t], moved[i],
                    inside[i + 1],
                )  # fmt: skip
            for t in range(stop - 1, start - 1, -1):
                i = t - start
                _read_back(inside[i + 1], dS, q[lane, t], dy[lane, t], dq[lane, t], clip[0])
                ddecay[lane, t] = _mixed_back(inside[i], moved[i], decay[lane, t], dS, dZ)
                _written_back(dZ, k[lane, t], v[lane, t], dk[lane, t], dv[lane, t])
                for c in range(keys):
                    for n in range(values):
                        S_turned[n, c] = inside[i, c, n]
                add_product(dweight[lane], S_turned, dZ)
                add_product(dS, dZ, turned[head])


@compiled
def _advance(S, decay, W, k, v, Z, after):
    """Fill in Z and the next state, which may be the same array."""
    for c in range(S.shape[0]):
        for n in range(S.shape[1]):
            Z[c, n] = k[c] * v[n]
    add_product(Z, S, W)
    for c in range(S.shape[0]):
        for n in range(S.shape[1]):
            Z[c, n] = tangent(Z[c, n])
        for n in range(S.shape[1]):
            after[c, n] = decay * S[c, n] + (1 - decay) * Z[c, n]


@compiled
def _read_back(after, dS, q, do, dq, clip):
    """Gradient of q, and that of the state with what reading adds, clipped."""
    for c in range(dS.shape[0]):
        dq[c] = dot(after[c], do)
        for n in range(dS.shape[1]):
            dS[c, n] += q[c] * do[n]
        for n in range(dS.shape[1]):
            over = dS[c, n]
            over = -clip if over < -clip else over  # written so that NaN passes through
            dS[c, n] = clip if over > clip else over


@compiled
def _mixed_back(S, Z, decay, dS, dZ):
    """Gradient of the decay; those of Z's argument, and of the state before the step without W."""
    total = dZ.dtype.type(0)
    for c in range(dS.shape[0]):
        for n in range(dS.shape[1]):
            total += dS[c, n] * (S[c, n] - Z[c, n])
        for n in range(dS.shape[1]):
            dZ[c, n] = (1 - decay) * dS[c, n] * (1 - Z[c, n]) * (1 + Z[c, n])
        for n in range(dS.shape[1]):
            dS[c, n] *= decay
    return total


@compiled
def _written_back(dZ, k, v, dk, dv):
    """Gradients of the key and the value."""
    dv[:] = 0
    add_rows(dv, k, dZ, 0, dZ.shape[0])
    for c in range(dZ.shape[0]):
        dk[c] = dot(dZ[c], v)
