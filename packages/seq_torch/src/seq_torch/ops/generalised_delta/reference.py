"""The generalised delta rule as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    state, outputs = p.initial, []
    steps = (value.unbind(2) for value in (p.q, p.k, p.v, p.a, p.b, p.decays))
    for q, k, v, a, b, decay in zip(*steps, strict=True):
        recalled = (a[..., None] * state).sum(-2, keepdim=True)
        state = decay[..., None] * state + b[..., None] * recalled + k[..., None] * v[..., None, :]
        outputs.append((q[..., None] * state).sum(-2))
    return torch.stack(outputs, 2), state
