"""The fused selective scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..glue import opaque
from ..glue.checks import learns
from ..glue.tangents import without_tangents
from . import fused
from .problem import Problem

NAMES = ("u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state", "cu_seqlens")
TENSORS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, "
    "Tensor? delta_bias, Tensor? initial_state, Tensor? cu_seqlens"
)


def _forward(*inputs: Any) -> tuple[Tensor, Tensor]:
    """Forward pass; the last output is empty unless wanted."""
    *tensors, softplus, want_last = inputs
    return fused.forward(Problem(*tensors, delta_softplus=softplus), want_last)


def _empty(u: Tensor, delta: Tensor, A: Tensor, *rest: Any) -> tuple[Tensor, Tensor]:
    sequences = u.shape[0] if rest[-3] is None else len(rest[-3]) - 1
    rows = sequences if rest[-1] else 0
    return u.new_empty(u.shape), A.new_empty(rows, u.shape[1], A.shape[1])


def _differentiate(dy: Tensor, dlast: Tensor | None, *inputs: Any) -> list[Tensor]:
    """Gradients of the inputs that are present, in the order of `NAMES`."""
    *tensors, softplus = inputs
    found = fused.backward(Problem(*tensors, delta_softplus=softplus), dy, dlast)
    return [found[name] for name, given in zip(NAMES, tensors, strict=True) if learns(given)]


def _empty_gradients(dy: Tensor, dlast: Tensor | None, *inputs: Any) -> list[Tensor]:
    return [_like(value, i) for i, value in enumerate(inputs[:-1]) if learns(value)]


def _like(value: Tensor, position: int) -> Tensor:
    if NAMES[position] in ("B", "C") and value.ndim == 4:
        batch, group, state, time = value.shape
        return value.new_empty(batch, group, time, state).transpose(-1, -2)
    return value.new_empty(value.shape)


operator = opaque.define(
    "selective_scan",
    f"({TENSORS}, bool delta_softplus, bool want_last) -> (Tensor, Tensor)",
    _forward,
    _empty,
)
gradient = opaque.define(
    "selective_scan_backward",
    f"(Tensor dy, Tensor? dlast, {TENSORS}, bool delta_softplus) -> Tensor[]",
    _differentiate,
    _empty_gradients,
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *tensors, ctx.softplus, ctx.want_last = inputs
    ctx.save_for_backward(*tensors)


def _backward(ctx: Any, dy: Tensor, dlast: Tensor) -> tuple[Tensor | None, ...]:
    tensors = ctx.saved_tensors
    found = iter(gradient(dy, dlast if ctx.want_last else None, *tensors, ctx.softplus))
    return (*(next(found) if learns(value) else None for value in tensors), None, None)


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("selective_scan", operator)


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output, and the last state, or an empty tensor unless it is wanted."""
    return _call(*(getattr(p, name) for name in NAMES), p.delta_softplus, p.want_last)
