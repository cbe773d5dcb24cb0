"""Selective scan with real states: one pass forward and one back along each lane.

A lane is one channel of one sequence. Axes: `u`, `dt`, `y` and their gradients (batch, dim, time);
`A` (dim, state); `B` and `C` (batch, group, time, state), or (1, dim, 1, state) where constant;
states (batch, dim, state), of no rows where absent. The innermost loop is over the state.
"""

from __future__ import annotations

from .compiler import compiled
from .elementary import exponential


@compiled
def forward(first, last, u, dt, A, B, C, initial, y, end, h):
    """Fill `y` and `end`, the last state, in lanes `first` to `last`; `h` is scratch."""
    dim, time, state = u.shape[1], u.shape[2], A.shape[1]
    vary_B, vary_C = int(B.shape[2] > 1), int(C.shape[2] > 1)
    zero = A.dtype.type(0)
    for lane in range(first, last):
        i, c = lane // dim, lane % dim
        i_B, i_C = i % B.shape[0], i % C.shape[0]
        row_B, row_C = c * B.shape[1] // dim, c * C.shape[1] // dim
        for n in range(state):
            h[n] = initial[i, c, n] if initial.shape[0] else zero
        for t in range(time):
            size = dt[i, c, t]
            drive = size * u[i, c, t]
            t_B, t_C = t * vary_B, t * vary_C
            total = zero
            for n in range(state):
                value = exponential(size * A[c, n]) * h[n] + drive * B[i_B, row_B, t_B, n]
                h[n] = value
                total += value * C[i_C, row_C, t_C, n]
            y[i, c, t] = total
        if end.shape[0]:
            for n in range(state):
                end[i, c, n] = h[n]


@compiled
def replay(i, c, start, stop, u, dt, A, B, C, h, decay, carry, y):
    """Fill factors, states `h[1:]` from `carry`, that before `start`, and `y` if it has rows."""
    dim, state = u.shape[1], A.shape[1]
    vary_B, vary_C = int(B.shape[2] > 1), int(C.shape[2] > 1)
    i_B, i_C = i % B.shape[0], i % C.shape[0]
    row_B, row_C = c * B.shape[1] // dim, c * C.shape[1] // dim
    for t in range(start, stop):
        k = t - start
        size = dt[i, c, t]
        drive = size * u[i, c, t]
        t_B, t_C = t * vary_B, t * vary_C
        for n in range(state):
            decay[k, n] = exponential(size * A[c, n])
        for n in range(state):
            carry[n] = decay[k, n] * carry[n] + drive * B[i_B, row_B, t_B, n]
        for n in range(state):
            h[k + 1, n] = carry[n]
        if y.shape[0]:
            total = A.dtype.type(0)
            for n in range(state):
                total += h[k + 1, n] * C[i_C, row_C, t_C, n]
            y[i, c, t] = total


@compiled
def mark(i, c, length, u, dt, A, B, initial, marks, h):
    """Fill `marks` with the states before every segment of so many steps; `h` is scratch."""
    dim, state = u.shape[1], A.shape[1]
    vary_B, i_B, row_B = int(B.shape[2] > 1), i % B.shape[0], c * B.shape[1] // dim
    for n in range(state):
        h[n] = initial[i, c, n] if initial.shape[0] else A.dtype.type(0)
        marks[0, n] = h[n]
    for t in range((marks.shape[0] - 1) * length):
        size = dt[i, c, t]
        drive = size * u[i, c, t]
        for n in range(state):
            value = exponential(size * A[c, n]) * h[n]
            h[n] = value + drive * B[i_B, row_B, t * vary_B, n]
        if (t + 1) % length == 0:
            for n in range(state):
                marks[(t + 1) // length, n] = h[n]


@compiled
def adjoint(i, c, start, stop, u, dt, A, B, C, dy, h, decay, g, carry, du, ddt, dA, dB, dC):
    """Take the gradient `g` of the state from `stop` back to `start`, adding to the others.

    `dA`, `dB` and `dC` are the sums that this worker alone adds to.
    """
    dim, state = u.shape[1], A.shape[1]
    vary_B, vary_C = int(B.shape[2] > 1), int(C.shape[2] > 1)
    i_B, i_C = i % B.shape[0], i % C.shape[0]
    row_B, row_C = c * B.shape[1] // dim, c * C.shape[1] // dim
    for t in range(stop - 1, start - 1, -1):
        k = t - start
        size, x, slope = dt[i, c, t], u[i, c, t], dy[i, c, t]
        drive = size * x
        t_B, t_C = t * vary_B, t * vary_C
        by_decay, by_drive = A.dtype.type(0), A.dtype.type(0)
        # Several loops, each over few arrays, since the compiler must prove that none overlap.
        for n in range(state):
            dC[i_C, row_C, t_C, n] += slope * h[k + 1, n]
        for n in range(state):
            carry[n] = g[n] + slope * C[i_C, row_C, t_C, n]
        for n in range(state):
            g[n] = carry[n] * decay[k, n]
        for n in range(state):
            exponent = g[n] * h[k, n]  # gradient of size * A
            dA[c, n] += exponent * size
            by_decay += exponent * A[c, n]
        for n in range(state):
            dB[i_B, row_B, t_B, n] += carry[n] * drive
            by_drive += carry[n] * B[i_B, row_B, t_B, n]
        du[i, c, t] = by_drive * size
        ddt[i, c, t] = by_decay + by_drive * x


@compiled
def backward(
    first, last, left, right, u, dt, A, B, C, initial, dy, dend, y,
    du, ddt, dA, dB, dC, dinitial, h, decay, marks, g, carry,
):  # fmt: skip
    """Fill the gradients of sequences `first` to `last`, channels `left` to `right`.

    States are computed again, segment by segment from the end, in the scratch `h`, `decay`,
    `marks`, `g` and `carry`; `y` is filled too if it has rows.
    """
    time, state, length = u.shape[2], A.shape[1], decay.shape[0]
    for i in range(first, last):
        for c in range(left, right):
            mark(i, c, length, u, dt, A, B, initial, marks, carry)
            for n in range(state):
                g[n] = dend[i, c, n] if dend.shape[0] else A.dtype.type(0)
            for segment in range(marks.shape[0] - 1, -1, -1):
                start = segment * length
                stop = min(start + length, time)
                for n in range(state):
                    h[0, n] = marks[segment, n]
                    carry[n] = marks[segment, n]
                replay(i, c, start, stop, u, dt, A, B, C, h, decay, carry, y)
                adjoint(
                    i, c, start, stop, u, dt, A, B, C, dy, h, decay, g, carry, du, ddt, dA, dB, dC
                )
            if dinitial.shape[0]:
                for n in range(state):
                    dinitial[i, c, n] = g[n]
