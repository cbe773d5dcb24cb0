"""The scan of structured matrices as its equation reads: one product per position, in turn."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> Tensor:
    """States after every position."""
    transitions, state = p.transitions, p.initial
    states, names = [], tuple(transitions.cores)
    # Unbound once and not indexed: the gradient of an index has the size of the whole sequence.
    drives = repeat(0) if p.drive is None else p.drive.unbind(1)
    for *tensors, drive in zip(*(getattr(transitions, name).unbind(1) for name in names), drives):
        state = replace(transitions, **dict(zip(names, tensors, strict=True))).apply(state)
        state = state if p.drive is None else state + drive
        states.append(state)
    return torch.stack(states, 1)
