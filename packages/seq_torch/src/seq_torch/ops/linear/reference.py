"""The linear scan as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor


def scan(a: Tensor, b: Tensor, initial: Tensor | None) -> Tensor:
    """States `(batch, time, state)`; `a` has three axes that broadcast against `b`."""
    state = b.new_zeros(b.shape[0], b.shape[2]) if initial is None else initial
    a = a.expand(b.shape)
    states = []
    for k in range(b.shape[1]):
        state = a[:, k] * state + b[:, k]
        states.append(state)
    return torch.stack(states, dim=1) if states else torch.zeros_like(b)
