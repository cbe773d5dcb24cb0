r"""The sLSTM step by step, some sequences of one head side by side.

Axes: x and gates (batch, head, time, gate and channel), weights (head, from, gate and to) forward
and (head, gate and to, from) back, a state (batch, head, part, channel) with the parts h, c, n and
m, and `states` after every step, (batch, head, time, part, channel). A lane is one sequence of one
head; lanes `first` to `last`, head by head, are one worker's own. Up to `rows` sequences of a head
share what is read of its weights.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled
from .copies import copy_row, copy_rows
from .elementary import exponential
from .hyperbolic import tangent
from .logistic import log_sigmoid
from .products import add_product


@compiled
def forward(first, last, rows, x, weight, state, output, states):
    """Fill the output, carry `state` on; keep that of every step if there is room."""
    (batch, _, time, _), channels = x.shape, state.shape[3]
    gates, before = np.empty((rows, 4 * channels), x.dtype), np.empty((rows, channels), x.dtype)
    lane = first
    while lane < last:
        head, left = lane // batch, lane % batch
        count = min(rows, last - lane, batch - left)
        for t in range(time):
            for r in range(count):
                copy_row(x[left + r, head, t], gates[r])
                copy_row(state[left + r, head, 0], before[r])
            add_product(gates[:count], before[:count], weight[head])
            for r in range(count):
                S = state[left + r, head]
                _advance(gates[r], S)
                copy_row(S[0], output[left + r, head, t])
                if len(states):
                    copy_rows(S, states[left + r, head, t])
        lane += count


@compiled
def backward(first, last, rows, gates, weight, initial, states, dstate, dh):
    """Replace `gates`, with the recurrence in them, by their gradients; carry `dstate` back."""
    (batch, _, time, _), channels = gates.shape, initial.shape[3]
    change = np.empty((rows, 4 * channels), gates.dtype)
    carried = np.empty((rows, channels), gates.dtype)
    scratch = np.empty((2, channels), gates.dtype)
    lane = first
    while lane < last:
        head, left = lane // batch, lane % batch
        count = min(rows, last - lane, batch - left)
        for t in range(time - 1, -1, -1):
            for r in range(count):
                i = left + r
                before = states[i, head, t - 1] if t > 0 else initial[i, head]
                dS, z = dstate[i, head], gates[i, head, t]
                for n in range(channels):
                    dS[0, n] += dh[i, head, t, n]
                _retreat(z, before, states[i, head, t], dS, scratch[0], scratch[1])
                copy_row(z, change[r])
                carried[r] = 0
            add_product(carried[:count], change[:count], weight[head])
            for r in range(count):
                copy_row(carried[r], dstate[left + r, head, 0])
        lane += count


@compiled
def _advance(gates, S):
    """State after a step; `gates` are used up."""
    count = S.shape[1]
    i, f, z, o = _parts(gates, count)
    h, c, n, m = S[0], S[1], S[2], S[3]
    for j in range(count):
        f[j] = log_sigmoid(f[j])
    for j in range(count):
        kept = f[j] + m[j]
        most = i[j] if n[j] == 0 or i[j] > kept else kept
        i[j], f[j], m[j] = i[j] - most, kept - most, most
    for j in range(2 * count):
        gates[j] = exponential(gates[j])
    for j in range(count):
        z[j] = tangent(z[j])
    for j in range(count):
        o[j] = 1 / (1 + exponential(-o[j]))
    for j in range(count):
        c[j] = f[j] * c[j] + i[j] * z[j]
    for j in range(count):
        n[j] = f[j] * n[j] + i[j]
        h[j] = o[j] * c[j] / n[j]


@compiled
def _retreat(gates, before, after, dS, slope, input_wins):
    """Gradients of the gates in their place, and that of the state a step before."""
    count = dS.shape[1]
    i, f, z, o = _parts(gates, count)
    for j in range(count):
        slope[j] = 1 / (1 + exponential(f[j]))  # of log sigma
    for j in range(count):
        f[j] = log_sigmoid(f[j])
    for j in range(count):
        kept = f[j] + before[3, j]
        input_wins[j] = 1 if before[2, j] == 0 or i[j] > kept else 0
        i[j], f[j] = i[j] - after[3, j], kept - after[3, j]
    for j in range(2 * count):
        gates[j] = exponential(gates[j])
    for j in range(count):
        z[j] = tangent(z[j])
    for j in range(count):
        o[j] = 1 / (1 + exponential(-o[j]))
    for j in range(count):
        read = after[1, j] / after[2, j]
        of_read = dS[0, j] * o[j]
        o[j] = of_read * read * (1 - o[j])
        dc, dn = dS[1, j] + of_read / after[2, j], dS[2, j] - of_read * read / after[2, j]
        di = (dc * z[j] + dn) * i[j]
        df = (dc * before[1, j] + dn * before[2, j]) * f[j]
        z[j] = dc * i[j] * (1 - z[j]) * (1 + z[j])
        dm = dS[3, j] - di - df
        i[j] = di + input_wins[j] * dm
        dm = df + (1 - input_wins[j]) * dm
        dS[1, j], dS[2, j], dS[3, j] = dc * f[j], dn * f[j], dm
        f[j] = dm * slope[j]


@compiled
def _parts(gates, count):
    return gates[:count], gates[count : 2 * count], gates[2 * count : 3 * count], gates[3 * count :]
