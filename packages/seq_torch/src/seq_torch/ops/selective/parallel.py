"""The selective scan as one associative scan in plain torch, for devices without a kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from ..linear import parallel
from ..linear.problem import Problem as Linear
from . import reference
from .problem import Problem
from .reference import finish, per_channel, real_sum, steps


def scan(problem: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; holds all states, `(batch, time, dim * state)`, in memory."""
    p, (_, dim, time, state) = problem, problem.sizes
    if time == 0:
        return reference.scan(p)
    step = steps(p).transpose(1, 2).unsqueeze(-1)
    B, C = _over_time(p.B, dim), _over_time(p.C, dim)
    decay = torch.exp(step * p.A)
    drive = step * p.u.transpose(1, 2).unsqueeze(-1) * B
    initial = None if p.initial_state is None else p.initial_state.flatten(1)
    states = parallel.scan(Linear(decay.flatten(2), drive.flatten(2), initial))
    states = states.unflatten(2, (dim, state))
    return finish(p, real_sum(states * C).transpose(1, 2)), states[:, -1].clone()


def _over_time(value: Tensor, dim: int) -> Tensor:
    """Bring to `(batch, time, dim, state)`, or leave constant."""
    return value if value.ndim == 2 else per_channel(value, dim).permute(0, 3, 1, 2)
