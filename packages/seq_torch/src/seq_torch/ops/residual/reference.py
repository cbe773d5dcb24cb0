"""The residual scan as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ..glue.checks import depending
from .problem import Problem

FUNCTIONS = {"linear": lambda z: z, "tanh": torch.tanh, "hardtanh": functional.hardtanh}


def scan(p: Problem) -> Tensor:
    """States `(batch, time, state)`."""
    state, states = p.initial, []
    for drive in p.x.unbind(1):
        state = advance(drive, p.weight, state, p.dt, p.activation)
        states.append(state)
    return torch.stack(states, dim=1) if states else depending(p.x.clone(), p.weight, p.initial)


def advance(x_k: Tensor, weight: Tensor, state: Tensor, dt: float, activation: str) -> Tensor:
    """State after one step."""
    return state + dt * FUNCTIONS[activation](x_k + recurrent(weight, state))


def recurrent(weight: Tensor, state: Tensor) -> Tensor:
    """Product of the weight and states `(..., state)`."""
    return weight * state if weight.ndim == 1 else state @ weight.mT
