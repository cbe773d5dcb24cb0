"""The outer scan as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    state, outputs = p.initial.clone(), []  # an output must not be one of the inputs
    decay = p.decay if p.by_channels else p.decay[..., None]
    for t in range(p.time):
        products = p.k[:, :, t, :, :, None] * p.v[:, :, t, :, None, :]
        state = decay[:, :, t, :, None] * state + products.sum(2)
        outputs.append((p.q[:, :, t, :, None] * state).sum(-2))
    return torch.stack(outputs, 2), state
