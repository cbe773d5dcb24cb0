"""The linear scan as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue.checks import depending
from .problem import Problem


def scan(p: Problem) -> Tensor:
    """States `(batch, time, state)`."""
    a, b, initial = p.a, p.b, p.initial
    state = b.new_zeros(b.shape[0], b.shape[2]) if initial is None else initial
    states = []
    for factor, drive in zip(a.expand(b.shape).unbind(1), b.unbind(1), strict=True):
        state = factor * state + drive
        states.append(state)
    return torch.stack(states, dim=1) if states else depending(b.clone(), a, initial)
