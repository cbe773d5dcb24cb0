"""The selective scan as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue.checks import depending
from .problem import Problem


def scan(problem: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, dim, time)` and last state `(batch, dim, state)`."""
    p, sizes = problem, problem.sizes
    step = steps(p)
    B, C = per_channel(p.B, sizes.dim), per_channel(p.C, sizes.dim)
    state = p.A.new_zeros(sizes.batch, sizes.dim, sizes.state)
    if p.initial_state is not None:
        state = p.initial_state.clone()  # an output must not be one of the inputs
    outputs = []
    columns = (value.unsqueeze(2).unbind(-1) for value in (step, p.u))
    inputs = zip(*columns, over_time(B, sizes.time), over_time(C, sizes.time), strict=True)
    for size, u_k, B_k, C_k in inputs:
        state = torch.exp(size * p.A) * state + size * B_k * u_k
        outputs.append(real_sum(C_k * state))
    if not outputs:
        return finish(p, depending(p.u.clone(), step, p.A, p.B, p.C, state)), state
    return finish(p, torch.stack(outputs, dim=2)), state


def steps(p: Problem) -> Tensor:
    """Step sizes, `delta` with bias and softplus, `(batch, dim, time)`."""
    delta = p.delta if p.delta_bias is None else p.delta + p.delta_bias[:, None]
    return torch.nn.functional.softplus(delta) if p.delta_softplus else delta


def finish(p: Problem, output: Tensor) -> Tensor:
    """Add the skip connection, then gate."""
    if p.D is not None:
        output = output + p.D[:, None] * p.u
    if p.z is not None:
        output = output * torch.nn.functional.silu(p.z)
    return output


def per_channel(value: Tensor, dim: int) -> Tensor:
    """Repeat groups so that every channel has its row; constant input is left alone."""
    return value if value.ndim == 2 else value.repeat_interleave(dim // value.shape[1], dim=1)


def over_time(value: Tensor, time: int) -> tuple[Tensor, ...]:
    """Value at every time, broadcasting to `(batch, dim, state)`."""
    return (value,) * time if value.ndim == 2 else value.unbind(-1)


def real_sum(terms: Tensor) -> Tensor:
    """Sum over the state; twice the real part where each state stands for a conjugate pair."""
    total = terms.sum(-1)
    return 2 * total.real if terms.is_complex() else total
