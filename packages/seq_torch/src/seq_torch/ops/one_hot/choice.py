r"""The choice of a mixture of logits, and its gradient, without a matrix for every position.

.. math:: L_t = \sum_k w_{t,k} A_k, \qquad
          P_t = [\arg\max L_t], \qquad
          \frac{\partial P_t}{\partial L_t} := \frac{\partial\,\mathrm{softmax} (L_t)}{\partial L_t}

Both are computed for so many positions at a time that their logits stay in a cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..glue import opaque, threads
from ..glue.checks import plain
from ..glue.obstacles import numba_obstacle
from ..glue.tangents import without_tangents

TOGETHER = 1 << 18  # logits at a time


def _parts(positions: int, width: int) -> Iterator[slice]:
    step = max(1, TOGETHER // width**2)
    return (slice(start, start + step) for start in range(0, positions, step))


def _logits(weights: Tensor, dictionary: Tensor) -> Tensor:
    return (weights @ dictionary.flatten(1)).unflatten(-1, dictionary.shape[1:])


def _places(weights: Tensor, dictionary: Tensor, axis: int) -> Tensor:
    flat = weights.flatten(0, -2)
    if weights.device.type == "cpu" and not numba_obstacle():
        return _compiled_places(flat, dictionary, axis).unflatten(0, weights.shape[:-1])
    found = [
        _logits(flat[part], dictionary).argmax(axis)
        for part in _parts(len(flat), dictionary.shape[1])
    ]
    return torch.cat(found).unflatten(0, weights.shape[:-1])


def _compiled_places(flat: Tensor, dictionary: Tensor, axis: int) -> Tensor:
    from ..kernels import one_hot

    kernel = one_hot.rows_of_columns if axis == -2 else one_hot.columns_of_rows
    places = torch.empty(len(flat), dictionary.shape[1], dtype=torch.int64)
    arrays = tuple(t.numpy() for t in (plain(flat), plain(dictionary), places))
    work = len(flat) * dictionary.numel()
    threads.run_lanes(work, len(flat), lambda *part: kernel(*part, *arrays))
    return places


def _gradients(
    weights: Tensor, dictionary: Tensor, vectors: Tensor, cotangents: Tensor, axis: int
) -> tuple[Tensor, Tensor]:
    flat, vectors, cotangents = (t.flatten(0, 1) for t in (weights, vectors, cotangents))
    dweights, ddictionary = torch.empty_like(flat), torch.zeros_like(dictionary).flatten(1)
    for part in _parts(len(flat), dictionary.shape[1]):
        soft = _logits(flat[part], dictionary).softmax(axis)
        pulled = cotangents[part] @ vectors[part].mT  # the gradient of P
        moved = soft * pulled
        dlogits = (moved - soft * moved.sum(axis, keepdim=True)).flatten(1)
        dweights[part] = dlogits @ dictionary.flatten(1).mT
        ddictionary += flat[part].mT @ dlogits
    return dweights.view_as(weights), ddictionary.view_as(dictionary)


places = opaque.define(
    "one_hot_places",
    "(Tensor weights, Tensor dictionary, int axis) -> Tensor",
    _places,
    lambda weights, dictionary, axis: weights.new_empty(
        (*weights.shape[:-1], dictionary.shape[1]), dtype=torch.int64
    ),
)
"""Row that each column chooses (axis -2), or column that each row does (axis -1)."""
opaque.map_by_loop(places)

_nothing = opaque.define(
    "one_hot_choice",
    "(Tensor weights, Tensor dictionary, Tensor vectors, int axis) -> Tensor",
    lambda weights, dictionary, vectors, axis: torch.zeros_like(vectors),
    lambda weights, dictionary, vectors, axis: torch.empty_like(vectors),
)
_gradient = opaque.define(
    "one_hot_choice_backward",
    "(Tensor weights, Tensor dictionary, Tensor vectors, Tensor cotangents, int axis)"
    " -> (Tensor, Tensor)",
    _gradients,
    lambda weights, dictionary, vectors, cotangents, axis: (
        torch.empty_like(weights),
        torch.empty_like(dictionary),
    ),
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.axis = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, cotangents: Tensor) -> tuple[Any, ...]:
    return *_gradient(*ctx.saved_tensors, cotangents, ctx.axis), None, None


opaque.register(_nothing, _gradient, setup=_setup, backward=_backward)

choice_of = without_tangents("one_hot_scan", _nothing)
"""Zeros of the shape of `vectors` (batch, time, state, part), with the gradient of P v."""
