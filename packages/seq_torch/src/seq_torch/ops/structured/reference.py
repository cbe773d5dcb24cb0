"""The scan of structured matrices as its equation reads: one product per position, in turn."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> Tensor:
    """States after every position."""
    transitions, state = p.transitions, p.initial
    states, names = [], tuple(transitions.cores)
    # Unbound once and not indexed: the gradient of an index has the size of the whole sequence.
    for tensors in zip(*(getattr(transitions, name).unbind(1) for name in names), strict=True):
        state = replace(transitions, **dict(zip(names, tensors, strict=True))).apply(state)
        states.append(state)
    return torch.stack(states, 1)
