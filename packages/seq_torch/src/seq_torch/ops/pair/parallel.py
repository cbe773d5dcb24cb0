"""The scan of pairs by doubling: log2(time) passes, each with a power of the one matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """First and second numbers of the pairs, ``(batch, time, state)`` each."""
    states, power, reach = p.gains * p.drive[:, :, None], p.matrices, 1
    first = states[:, :1] + _moved(power, p.initial)[:, None]
    states = torch.cat((first, states[:, 1:]), 1)
    while reach < p.drive.shape[1]:  # each state sums the drives of `reach` positions
        later = states[:, reach:] + _moved(power, states[:, :-reach])
        states = torch.cat((states[:, :reach], later), 1)
        power, reach = torch.einsum("ijn,jkn->ikn", power, power), 2 * reach
    return states[:, :, 0], states[:, :, 1]


def _moved(matrices: Tensor, states: Tensor) -> Tensor:
    return (matrices * states.unsqueeze(-3)).sum(-2)
