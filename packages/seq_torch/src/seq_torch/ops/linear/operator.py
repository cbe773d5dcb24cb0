"""The fused linear scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..glue import opaque
from ..glue.tangents import without_tangents
from . import fused
from .problem import Problem


def _empty(dh: Tensor, a: Tensor, h: Tensor, initial: Tensor | None) -> tuple[Tensor, ...]:
    last = (0 if initial is None else h.shape[0], h.shape[2])
    return a.new_empty(a.shape), h.new_empty(h.shape), h.new_empty(last)


operator = opaque.define(
    "linear_scan",
    "(Tensor a, Tensor b, Tensor? initial) -> Tensor",
    fused.forward,
    lambda a, b, initial: b.new_empty(b.shape),
)
gradient = opaque.define(
    "linear_scan_backward",
    "(Tensor dh, Tensor a, Tensor h, Tensor? initial) -> (Tensor, Tensor, Tensor)",
    fused.backward,
    _empty,
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    a, _, initial = inputs
    ctx.save_for_backward(a, output, initial)


def _backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    a, h, initial = ctx.saved_tensors
    da, db, dinitial = gradient(dh, a, h, initial)
    return da, db, None if initial is None else dinitial


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("linear_scan", operator)


def scan(p: Problem) -> Tensor:
    """States after every step."""
    return _call(p.a, p.b, p.initial)
