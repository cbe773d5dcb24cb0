"""The fused residual scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..glue import opaque
from ..glue.tangents import without_tangents
from . import fused
from .problem import Problem

operator = opaque.define(
    "residual_scan",
    "(Tensor x, Tensor weight, Tensor initial, float dt, str activation) -> Tensor",
    fused.forward,
    lambda x, *_: x.new_empty(x.shape),
)
gradient = opaque.define(
    "residual_scan_backward",
    "(Tensor dh, Tensor x, Tensor weight, Tensor initial, Tensor h, float dt, str activation) "
    "-> (Tensor, Tensor, Tensor)",
    fused.backward,
    lambda dh, *inputs: tuple(t.new_empty(t.shape) for t in inputs[:3]),
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.dt, ctx.activation = inputs
    ctx.save_for_backward(*tensors, output)


def _backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    return (*gradient(dh, *ctx.saved_tensors, ctx.dt, ctx.activation), None, None)


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("residual_scan", operator)


def scan(p: Problem) -> Tensor:
    """States after every step."""
    return _call(p.x, p.weight, p.initial, p.dt, p.activation)
