"""Step sizes: drawn log-uniformly, stored as logarithms."""

from __future__ import annotations

from math import log

import torch
from jaxtyping import Float

from seqtheory.checks import require_positive


def check_steps(dt_min: float, dt_max: float) -> None:
    """Raise unless 0 < dt_min <= dt_max."""
    require_positive("dt_min", dt_min)
    require_positive("dt_max", dt_max)
    if dt_min > dt_max:
        raise ValueError(f"got dt_min={dt_min} above dt_max={dt_max}; exchange them.")


def log_steps(*shape: int, dt_min: float, dt_max: float) -> Float[torch.Tensor, ...]:
    """Logarithms of steps, drawn from U[log dt_min, log dt_max]."""
    return torch.empty(*shape).uniform_(log(dt_min), log(dt_max))


def unsoftplus(values: Float[torch.Tensor, ...]) -> Float[torch.Tensor, ...]:
    """Give what softplus maps to these positive values."""
    return values + torch.log(-torch.expm1(-values))
