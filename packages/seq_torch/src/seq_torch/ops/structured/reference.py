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
    drives = None if p.drive is None else p.drive.unbind(1)
    # Unbound once and not indexed: the gradient of an index has the size of the whole sequence.
    matrices = zip(*(getattr(transitions, name).unbind(1) for name in names), strict=True)
    for t, tensors in enumerate(matrices):
        state = replace(transitions, **dict(zip(names, tensors, strict=True))).apply(state)
        state = state if drives is None else state + drives[t]
        states.append(state)
    return torch.stack(states, 1)
