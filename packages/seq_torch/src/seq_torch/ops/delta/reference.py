"""The delta rule as its equation reads: a loop over time and factors in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    state, outputs = p.initial.clone(), []  # an output must not be one of the inputs
    for t in range(p.time):
        if p.log_decay is not None:
            state = p.log_decay[:, :, t, None, None].exp() * state
        for j in range(p.k.shape[3]):
            k, v, beta = p.k[:, :, t, j], p.v[:, :, t, j], p.beta[:, :, t, j, None]
            recalled = (k[..., None] * state).sum(-2)
            state = state + k[..., None] * (beta * (v - recalled))[..., None, :]
        outputs.append((p.q[:, :, t, :, None] * state).sum(-2))
    return torch.stack(outputs, 2), state
