"""The fused scan of pairs as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..glue import opaque
from ..glue.tangents import without_tangents
from . import fused
from .problem import Problem

INPUTS = "Tensor matrices, Tensor gains, Tensor drive, Tensor initial"


def _shapes(*tensors: Tensor) -> tuple[Tensor, ...]:
    return tuple(t.new_empty(t.shape) for t in tensors)


operator = opaque.define(
    "pair_scan",
    f"({INPUTS}) -> (Tensor, Tensor)",
    fused.forward,
    lambda matrices, gains, drive, initial: _shapes(drive, drive),
)
gradient = opaque.define(
    "pair_scan_backward",
    f"(Tensor dfirst, Tensor dsecond, {INPUTS}, Tensor first, Tensor second)"
    " -> (Tensor, Tensor, Tensor, Tensor)",
    fused.backward,
    lambda dfirst, dsecond, matrices, gains, drive, initial, first, second: _shapes(
        matrices, gains, drive, initial
    ),
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    ctx.save_for_backward(*inputs, *output)


def _backward(ctx: Any, dfirst: Tensor | None, dsecond: Tensor | None) -> tuple[Tensor, ...]:
    saved = ctx.saved_tensors
    given = (torch.zeros_like(saved[-1]) if d is None else d for d in (dfirst, dsecond))
    return gradient(*given, *saved)


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("pair_scan", operator)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """First and second numbers of the pairs."""
    return _call(p.matrices, p.gains, p.drive, p.initial)
