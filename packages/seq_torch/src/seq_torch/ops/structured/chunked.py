"""The scan of structured matrices by chunks of about sqrt(time) positions, all at once.

The products of the chunks give the state before each of them; from there all run side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor

from . import reference
from .problem import Problem
from .transitions import Transitions


def scan(p: Problem) -> Tensor:
    """States after every position."""
    transitions, initial = p.transitions, p.initial
    time = transitions.like().shape[1]
    size = max(1, round(time**0.5))
    whole = time // size
    body = transitions.map(lambda t: t[:, : whole * size].unflatten(1, (whole, size)))
    drive = None if p.drive is None else p.drive[:, : whole * size].unflatten(1, (whole, size))
    inside = body.map(lambda t: t.flatten(0, 1))
    driven = None if drive is None else drive.flatten(0, 1)
    added = _added(inside, driven, initial)
    firsts = _first_states(_products(body), initial, added)
    states = reference.scan(Problem(inside, firsts.flatten(0, 1), driven))
    states = states.unflatten(0, (-1, whole)).flatten(1, 2)
    if whole * size == time:
        return states
    last = transitions.map(lambda t: t[:, whole * size :])
    rest = None if p.drive is None else p.drive[:, whole * size :]
    return torch.cat((states, reference.scan(Problem(last, states[:, -1], rest))), 1)


def _added(inside: Transitions, drive: Tensor | None, initial: Tensor) -> Tensor | None:
    """State behind every chunk that starts from zero, ``(batch, chunk, width)``."""
    if drive is None:
        return None
    rest = initial.new_zeros(len(drive), drive.shape[-1])
    return reference.scan(Problem(inside, rest, drive))[:, -1].unflatten(0, (len(initial), -1))


def _products(body: Transitions) -> Transitions | Tensor:
    """Give the product of every chunk but the last; axes `(batch, chunk, position)`."""
    body = body.map(lambda t: t[:, :-1])
    steps = [body.map(lambda t, k=k: t[:, :, k]) for k in range(body.like().shape[2])]
    if body.closed:
        product = steps[0]
        for step in steps[1:]:
            product = step.compose(product)
        return product
    columns = steps[0].dense().transpose(-1, -2)
    for step in steps[1:]:
        columns = step.columns().apply(columns)
    return columns.transpose(-1, -2)


def _first_states(products: Transitions | Tensor, initial: Tensor, added: Tensor | None) -> Tensor:
    state = initial
    states = [state]
    chunks = (products if isinstance(products, Tensor) else products.like()).shape[1]
    for k in range(chunks):
        if isinstance(products, Tensor):
            state = (products[:, k] @ state[..., None])[..., 0]
        else:
            state = products.map(lambda t, k=k: t[:, k]).apply(state)
        state = state if added is None else state + added[:, k]
        states.append(state)
    return torch.stack(states, 1)
