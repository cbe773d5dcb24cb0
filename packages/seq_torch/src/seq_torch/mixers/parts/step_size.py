"""Step sizes: drawn log-uniformly, stored as logarithms."""

from __future__ import annotations

from math import log

import torch
from jaxtyping import Float

from seqtheory.settings.state_space import check_steps

from ...parameter import StateParameter

__all__ = ["check_steps", "log_steps", "step_bias", "unsoftplus"]


def log_steps(*shape: int, dt_min: float, dt_max: float) -> Float[torch.Tensor, ...]:
    """Logarithms of steps, drawn from U[log dt_min, log dt_max]."""
    return torch.empty(*shape).uniform_(log(dt_min), log(dt_max))


def step_bias(count: int, *, dt_min: float, dt_max: float) -> StateParameter:
    """Parameter whose softplus is a step, drawn log-uniformly between `dt_min` and `dt_max`."""
    return StateParameter(unsoftplus(log_steps(count, dt_min=dt_min, dt_max=dt_max).exp()))


def unsoftplus(values: Float[torch.Tensor, ...]) -> Float[torch.Tensor, ...]:
    """Give what softplus maps to these positive values."""
    return values + torch.log(-torch.expm1(-values))
