"""The fused residual scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import opaque
from . import fused


@torch.library.custom_op(
    "seq_torch::residual_scan",
    mutates_args=(),
    schema="(Tensor x, Tensor weight, Tensor initial, float dt, str activation) -> Tensor",
)
def scan(x: Tensor, weight: Tensor, initial: Tensor, dt: float, activation: str) -> Tensor:
    """States after every step."""
    return fused.forward(x, weight, initial, dt, activation)


@torch.library.custom_op(
    "seq_torch::residual_scan_backward",
    mutates_args=(),
    schema=(
        "(Tensor dh, Tensor x, Tensor weight, Tensor initial, Tensor h, float dt, str activation) "
        "-> (Tensor, Tensor, Tensor)"
    ),
)
def gradient(
    dh: Tensor, x: Tensor, weight: Tensor, initial: Tensor, h: Tensor, dt: float, activation: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `x`, `weight` and `initial`."""
    return fused.backward(dh, x, weight, initial, h, dt, activation)


@scan.register_fake
def _(x: Tensor, weight: Tensor, initial: Tensor, dt: float, activation: str) -> Tensor:
    return x.new_empty(x.shape)


@gradient.register_fake
def _(
    dh: Tensor, x: Tensor, weight: Tensor, initial: Tensor, h: Tensor, dt: float, activation: str
) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(t.new_empty(t.shape) for t in (x, weight, initial))  # pyright: ignore


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *tensors, ctx.dt, ctx.activation = inputs
    ctx.save_for_backward(*tensors, output)


def _backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    return (*gradient(dh, *ctx.saved_tensors, ctx.dt, ctx.activation), None, None)


opaque.register(scan, gradient, setup=_setup, backward=_backward)
