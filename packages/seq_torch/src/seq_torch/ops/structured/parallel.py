"""The scan of structured matrices by recursive doubling, where products keep the structure."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .problem import Problem
from .transitions import Transitions


def obstacles(p: Problem) -> list[str]:
    """Name matrices whose products have another structure."""
    kind = type(p.transitions).__name__
    return [] if p.transitions.closed else [f"{kind} matrices (expected products of one structure)"]


def scan(p: Problem) -> Tensor:
    """States after every position."""
    return _products(p.transitions).apply(p.initial[:, None])


def _products(transitions: Transitions) -> Transitions:
    """All products from the first position on: join neighbours, scan the pairs, fill in."""
    time = transitions.like().shape[1]
    if time == 1:
        return transitions
    pairs = time // 2
    earlier = transitions.map(lambda t: t[:, 0 : 2 * pairs : 2])
    odd = _products(transitions.map(lambda t: t[:, 1::2]).compose(earlier))
    rest = transitions.map(lambda t: t[:, 2::2])
    count = rest.like().shape[1]
    even = rest.compose(odd.map(lambda t: t[:, :count]))
    return _woven(transitions.map(lambda t: t[:, :1]), even, odd, pairs)


def _woven(first: Transitions, even: Transitions, odd: Transitions, pairs: int) -> Transitions:
    def weave(name: str) -> Tensor:
        evens = torch.cat((getattr(first, name), getattr(even, name)), 1)
        odds = getattr(odd, name)
        woven = torch.stack((evens[:, :pairs], odds), 2).flatten(1, 2)
        return torch.cat((woven, evens[:, pairs:]), 1)

    return replace(first, **{name: weave(name) for name in first.cores})
