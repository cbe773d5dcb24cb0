"""The recurrence with one structured matrix per position: step by step, by chunks, by doubling."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..backend import BackendError, asked
from ..linear import linear_scan
from .transitions import Elementwise, Transitions

if TYPE_CHECKING:
    from jaxtyping import Inexact

_OPERATION = "structured_scan"


def structured_scan(
    transitions: Transitions, initial: Inexact[Tensor, "batch width"], backend: str = "auto"
) -> Inexact[Tensor, "batch time width"]:
    r"""States of a linear recurrence whose matrices change with every position.

    .. math:: y_k = M_k\, y_{k-1}, \qquad y_0 = \text{initial}

    Parameters
    ----------
    transitions
        The matrices, with leading axes `(batch, time)`.
    initial
        State before the first position.
    backend
        ``"reference"``: one product per position, in turn. ``"chunked"``: all chunks of about
        :math:`\sqrt L` positions at once, in :math:`3 \sqrt L` turns. ``"parallel"``: by recursive
        doubling, in log2(L) turns, for structures that products keep. ``"auto"``: the linear scan
        for diagonal matrices; otherwise step by step on the CPU and by chunks elsewhere.

    Returns
    -------
    The state after every position.

    Raises
    ------
    ValueError
        If there is no position, or the shapes do not fit.
    BackendError
        If the named backend does not exist for these matrices.

    Notes
    -----
    Cost of a position, in products of a matrix with a vector: 1 (``reference``); 2, and one with
    b columns for blocks of b rows, with n columns where products do not keep the structure
    (``chunked``); b columns again (``parallel``).
    """
    leading = transitions.like().shape[: -transitions.cores[next(reversed(transitions.cores))]]
    _check(leading, transitions.width, initial)
    backend = asked(backend)
    if isinstance(transitions, Elementwise) and backend in ("auto", "reference", "fused"):
        zeros = torch.zeros_like(transitions.factors)
        return linear_scan(transitions.factors, zeros, initial, backend)
    if backend == "auto":
        backend = "reference" if transitions.like().device.type == "cpu" else "chunked"
    if backend == "reference":
        return _sequential(transitions, initial)
    if backend == "chunked":
        return _chunked(transitions, initial)
    if backend == "parallel" and transitions.closed:
        return _products(transitions).apply(initial[:, None])
    kind = type(transitions).__name__
    raise BackendError(
        f"{_OPERATION}: got backend={backend!r}, which {kind} matrices do not have. Use "
        "backend='reference', 'chunked' or 'auto'"
        + (", or 'parallel'." if transitions.closed else ": their products have no such structure.")
    )


def _check(leading: torch.Size, width: int, initial: Tensor) -> None:
    if len(leading) != 2 or 0 in leading:
        raise ValueError(
            f"got matrices with leading axes {tuple(leading)}, expected (batch, time), neither of "
            "them zero."
        )
    if tuple(initial.shape) != (leading[0], width):
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected (batch, width) = "
            f"({leading[0]}, {width})."
        )


def _sequential(transitions: Transitions, state: Tensor) -> Tensor:
    states, names = [], tuple(transitions.cores)
    # Unbound once and not indexed: the gradient of an index has the size of the whole sequence.
    for tensors in zip(*(getattr(transitions, name).unbind(1) for name in names), strict=True):
        state = replace(transitions, **dict(zip(names, tensors, strict=True))).apply(state)
        states.append(state)
    return torch.stack(states, 1)


def _chunked(transitions: Transitions, initial: Tensor) -> Tensor:
    """Run all chunks at once from their first states, which their products give in turn."""
    time = transitions.like().shape[1]
    size = max(1, round(time**0.5))
    whole = time // size
    body = transitions.map(lambda t: t[:, : whole * size].unflatten(1, (whole, size)))
    firsts = _first_states(_chunk_products(body), initial)
    inside = body.map(lambda t: t.flatten(0, 1))
    states = _sequential(inside, firsts.flatten(0, 1)).unflatten(0, (-1, whole)).flatten(1, 2)
    if whole * size == time:
        return states
    rest = _sequential(transitions.map(lambda t: t[:, whole * size :]), states[:, -1])
    return torch.cat((states, rest), 1)


def _chunk_products(body: Transitions) -> Transitions | Tensor:
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


def _first_states(products: Transitions | Tensor, initial: Tensor) -> Tensor:
    state = initial
    states = [state]
    chunks = (products if isinstance(products, Tensor) else products.like()).shape[1]
    for k in range(chunks):
        if isinstance(products, Tensor):
            state = (products[:, k] @ state[..., None])[..., 0]
        else:
            state = products.map(lambda t, k=k: t[:, k]).apply(state)
        states.append(state)
    return torch.stack(states, 1)


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
