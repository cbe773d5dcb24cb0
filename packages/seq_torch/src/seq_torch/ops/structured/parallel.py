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
    products, added = _products(p.transitions, p.drive)
    states = products.apply(p.initial[:, None])
    return states if added is None else states + added


def _products(transitions: Transitions, drive: Tensor | None) -> tuple[Transitions, Tensor | None]:
    """All products from the first position on: join neighbours, scan the pairs, fill in."""
    time = transitions.like().shape[1]
    if time == 1:
        return transitions, drive
    pairs = time // 2
    earlier = transitions.map(lambda t: t[:, 0 : 2 * pairs : 2])
    later = transitions.map(lambda t: t[:, 1::2])
    joined = None if drive is None else later.apply(drive[:, 0 : 2 * pairs : 2]) + drive[:, 1::2]
    odd, of_odd = _products(later.compose(earlier), joined)
    rest = transitions.map(lambda t: t[:, 2::2])
    count = rest.like().shape[1]
    even = rest.compose(odd.map(lambda t: t[:, :count]))
    woven = _woven(transitions.map(lambda t: t[:, :1]), even, odd, pairs)
    if drive is None or of_odd is None:
        return woven, None
    of_even = rest.apply(of_odd[:, :count]) + drive[:, 2::2]
    return woven, _weave(torch.cat((drive[:, :1], of_even), 1), of_odd, pairs)


def _woven(first: Transitions, even: Transitions, odd: Transitions, pairs: int) -> Transitions:
    def weave(name: str) -> Tensor:
        evens = torch.cat((getattr(first, name), getattr(even, name)), 1)
        return _weave(evens, getattr(odd, name), pairs)

    return replace(first, **{name: weave(name) for name in first.cores})


def _weave(evens: Tensor, odds: Tensor, pairs: int) -> Tensor:
    woven = torch.stack((evens[:, :pairs], odds), 2).flatten(1, 2)
    return torch.cat((woven, evens[:, pairs:]), 1)
