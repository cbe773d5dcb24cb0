"""The scan of pairs as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """First and second numbers of the pairs, ``(batch, time, state)`` each."""
    state, states = p.initial, []
    for drive in p.drive.unbind(1):
        state = (p.matrices * state[:, None]).sum(2) + p.gains * drive[:, None]
        states.append(state)
    found = torch.stack(states, 1)
    return found[:, :, 0], found[:, :, 1]
