"""The fused scan of structured matrices as a custom operator; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..glue import opaque
from ..glue.tangents import without_tangents
from . import fused, tokens
from .problem import Problem

INPUTS = "str kernel, Tensor[] tensors, bool? plus_identity, Tensor initial"
DRIVEN = "Tensor? drive"


def _empty_gradients(
    kernel: str, tensors: list[Tensor], plus_identity: bool | None, *rest: Any
) -> list[Tensor]:
    initial, driven, h, _ = rest
    floating = [t for t in tensors if fused.differentiable(t)]
    drive = h.new_empty(h.shape if driven else (0, 0, h.shape[-1]))
    return [*(t.new_empty(t.shape) for t in floating), drive, initial.new_empty(initial.shape)]


operator = opaque.define(
    "structured_scan",
    f"({INPUTS}, {DRIVEN}) -> Tensor",
    fused.forward,
    lambda kernel, tensors, _, initial, drive: initial.new_empty(
        initial.shape[0], tensors[0].shape[1], initial.shape[1]
    ),
)
gradient = opaque.define(
    "structured_scan_backward",
    f"({INPUTS}, bool driven, Tensor h, Tensor dh) -> Tensor[]",
    fused.backward,
    _empty_gradients,
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.kernel, tensors, ctx.plus_identity, initial, drive = inputs
    ctx.driven = drive is not None
    ctx.save_for_backward(*tensors, initial, output)


def _backward(ctx: Any, dh: Tensor) -> tuple[Any, ...]:
    *tensors, initial, h = ctx.saved_tensors
    *found, ddrive, dinitial = gradient(
        ctx.kernel, tensors, ctx.plus_identity, initial, ctx.driven, h, dh
    )
    remaining = iter(found)
    gradients = [next(remaining) if fused.differentiable(t) else None for t in tensors]
    return None, gradients, None, dinitial, ddrive if ctx.driven else None


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("structured_scan", operator)


def scan(p: Problem) -> Tensor:
    """States after every position."""
    if tokens.covers(p):
        return tokens.scan(p)
    p = p.gathered()
    tensors = list(p.transitions.tensors().values())
    plus_identity = getattr(p.transitions, "plus_identity", None)
    return _call(p.transitions.kernel, tensors, plus_identity, p.initial, p.drive)
