"""Selective scan with complex states: one pass forward and one back along each lane.

As `selective_real`, with real and imaginary parts along a first axis of `A`, `B`, `C`, of the
states and of their gradients. Each state stands for a conjugate pair, so `y` is twice a real part.
Gradients are those of torch: derivative by the real part plus i times that by the imaginary part.
"""

from __future__ import annotations

from .compiler import compiled
from .elementary import cosine, exponential, sine


@compiled
def forward(first, last, u, dt, A, B, C, initial, y, end, h):
    """Fill `y` and `end`, the last state, in lanes `first` to `last`; `h` is scratch."""
    dim, time, state = u.shape[1], u.shape[2], A.shape[2]
    vary_B, vary_C = int(B.shape[3] > 1), int(C.shape[3] > 1)
    zero = A.dtype.type(0)
    for lane in range(first, last):
        i, c = lane // dim, lane % dim
        i_B, i_C = i % B.shape[1], i % C.shape[1]
        row_B, row_C = c * B.shape[2] // dim, c * C.shape[2] // dim
        for part in range(2):
            for n in range(state):
                h[part, n] = initial[part, i, c, n] if initial.shape[1] else zero
        for t in range(time):
            size = dt[i, c, t]
            drive = size * u[i, c, t]
            t_B, t_C = t * vary_B, t * vary_C
            total = zero
            for n in range(state):
                length, angle = exponential(size * A[0, c, n]), size * A[1, c, n]
                re, im = length * cosine(angle), length * sine(angle)
                x = re * h[0, n] - im * h[1, n] + drive * B[0, i_B, row_B, t_B, n]
                v = re * h[1, n] + im * h[0, n] + drive * B[1, i_B, row_B, t_B, n]
                h[0, n], h[1, n] = x, v
                total += x * C[0, i_C, row_C, t_C, n] - v * C[1, i_C, row_C, t_C, n]
            y[i, c, t] = total + total
        if end.shape[1]:
            for part in range(2):
                for n in range(state):
                    end[part, i, c, n] = h[part, n]


@compiled
def replay(i, c, start, stop, u, dt, A, B, C, h, decay, carry, y):
    """Fill factors, states `h[:, 1:]` from `carry`, that before `start`, and `y` if it has rows."""
    dim, state = u.shape[1], A.shape[2]
    vary_B, vary_C = int(B.shape[3] > 1), int(C.shape[3] > 1)
    i_B, i_C = i % B.shape[1], i % C.shape[1]
    row_B, row_C = c * B.shape[2] // dim, c * C.shape[2] // dim
    for t in range(start, stop):
        k = t - start
        size = dt[i, c, t]
        drive = size * u[i, c, t]
        t_B, t_C = t * vary_B, t * vary_C
        # Several loops, each over few arrays, since the compiler must prove that none overlap.
        for n in range(state):
            length, angle = exponential(size * A[0, c, n]), size * A[1, c, n]
            decay[0, k, n], decay[1, k, n] = length * cosine(angle), length * sine(angle)
        for n in range(state):
            re = decay[0, k, n] * carry[0, n] - decay[1, k, n] * carry[1, n]
            im = decay[0, k, n] * carry[1, n] + decay[1, k, n] * carry[0, n]
            carry[0, n], carry[1, n] = re, im
        for part in range(2):
            for n in range(state):
                carry[part, n] += drive * B[part, i_B, row_B, t_B, n]
            for n in range(state):
                h[part, k + 1, n] = carry[part, n]
        if y.shape[0]:
            total = A.dtype.type(0)
            for n in range(state):
                total += h[0, k + 1, n] * C[0, i_C, row_C, t_C, n]
                total -= h[1, k + 1, n] * C[1, i_C, row_C, t_C, n]
            y[i, c, t] = total + total


@compiled
def mark(i, c, length, u, dt, A, B, initial, marks, h):
    """Fill `marks` with the states before every segment of so many steps; `h` is scratch."""
    dim, state = u.shape[1], A.shape[2]
    vary_B, i_B, row_B = int(B.shape[3] > 1), i % B.shape[1], c * B.shape[2] // dim
    for part in range(2):
        for n in range(state):
            h[part, n] = initial[part, i, c, n] if initial.shape[1] else A.dtype.type(0)
            marks[part, 0, n] = h[part, n]
    for t in range((marks.shape[1] - 1) * length):
        size = dt[i, c, t]
        drive = size * u[i, c, t]
        t_B = t * vary_B
        for n in range(state):
            factor, angle = exponential(size * A[0, c, n]), size * A[1, c, n]
            re, im = factor * cosine(angle), factor * sine(angle)
            x, v = h[0, n], h[1, n]
            h[0, n] = re * x - im * v + drive * B[0, i_B, row_B, t_B, n]
            h[1, n] = re * v + im * x + drive * B[1, i_B, row_B, t_B, n]
        if (t + 1) % length == 0:
            for part in range(2):
                for n in range(state):
                    marks[part, (t + 1) // length, n] = h[part, n]


@compiled
def adjoint(i, c, start, stop, u, dt, A, B, C, dy, h, decay, g, carry, du, ddt, dA, dB, dC):
    """Take the gradient `g` of the state from `stop` back to `start`, adding to the others.

    `dA`, `dB` and `dC` are the sums that this worker alone adds to.
    """
    dim, state = u.shape[1], A.shape[2]
    vary_B, vary_C = int(B.shape[3] > 1), int(C.shape[3] > 1)
    i_B, i_C = i % B.shape[1], i % C.shape[1]
    row_B, row_C = c * B.shape[2] // dim, c * C.shape[2] // dim
    for t in range(stop - 1, start - 1, -1):
        k = t - start
        size, x, slope = dt[i, c, t], u[i, c, t], dy[i, c, t] + dy[i, c, t]
        drive = size * x
        t_B, t_C = t * vary_B, t * vary_C
        by_decay, by_drive = A.dtype.type(0), A.dtype.type(0)
        # Several loops, each over few arrays, since the compiler must prove that none overlap.
        for n in range(state):
            dC[0, i_C, row_C, t_C, n] += slope * h[0, k + 1, n]
        for n in range(state):
            dC[1, i_C, row_C, t_C, n] -= slope * h[1, k + 1, n]
        for n in range(state):
            carry[0, n] = g[0, n] + slope * C[0, i_C, row_C, t_C, n]
        for n in range(state):
            carry[1, n] = g[1, n] - slope * C[1, i_C, row_C, t_C, n]
        for n in range(state):
            g[0, n] = carry[0, n] * decay[0, k, n] + carry[1, n] * decay[1, k, n]
        for n in range(state):
            g[1, n] = carry[1, n] * decay[0, k, n] - carry[0, n] * decay[1, k, n]
        # Gradient of size * A, its real part and then its imaginary part.
        for n in range(state):
            exponent = g[0, n] * h[0, k, n] + g[1, n] * h[1, k, n]
            dA[0, c, n] += exponent * size
            by_decay += exponent * A[0, c, n]
        for n in range(state):
            exponent = g[1, n] * h[0, k, n] - g[0, n] * h[1, k, n]
            dA[1, c, n] += exponent * size
            by_decay += exponent * A[1, c, n]
        for part in range(2):
            for n in range(state):
                dB[part, i_B, row_B, t_B, n] += carry[part, n] * drive
                by_drive += carry[part, n] * B[part, i_B, row_B, t_B, n]
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
    time, state, length = u.shape[2], A.shape[2], decay.shape[1]
    for i in range(first, last):
        for c in range(left, right):
            mark(i, c, length, u, dt, A, B, initial, marks, carry)
            for part in range(2):
                for n in range(state):
                    g[part, n] = dend[part, i, c, n] if dend.shape[1] else A.dtype.type(0)
            for segment in range(marks.shape[1] - 1, -1, -1):
                start = segment * length
                stop = min(start + length, time)
                for part in range(2):
                    for n in range(state):
                        h[part, 0, n] = marks[part, segment, n]
                        carry[part, n] = marks[part, segment, n]
                replay(i, c, start, stop, u, dt, A, B, C, h, decay, carry, y)
                adjoint(
                    i, c, start, stop, u, dt, A, B, C, dy, h, decay, g, carry, du, ddt, dA, dB, dC
                )
            if dinitial.shape[1]:
                for part in range(2):
                    for n in range(state):
                        dinitial[part, i, c, n] = g[part, n]
