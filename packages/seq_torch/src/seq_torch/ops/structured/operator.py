"""The fused scan of structured matrices as a custom operator; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import opaque
from . import fused


@torch.library.custom_op(
    "seq_torch::structured_scan",
    mutates_args=(),
    schema="(str kernel, Tensor[] tensors, bool? plus_identity, Tensor initial) -> Tensor",
)
def scan(kernel: str, tensors: list[Tensor], plus_identity: bool | None, initial: Tensor) -> Tensor:
    """States after every position."""
    return fused.forward(kernel, tensors, plus_identity, initial)


@torch.library.custom_op(
    "seq_torch::structured_scan_backward",
    mutates_args=(),
    schema=(
        "(str kernel, Tensor[] tensors, bool? plus_identity, Tensor initial, Tensor h, Tensor dh) "
        "-> Tensor[]"
    ),
)
def gradient(
    kernel: str,
    tensors: list[Tensor],
    plus_identity: bool | None,
    initial: Tensor,
    h: Tensor,
    dh: Tensor,
) -> list[Tensor]:
    """Gradients of those of `tensors` that have one, then of `initial`."""
    return fused.backward(kernel, tensors, plus_identity, initial, h, dh)


@scan.register_fake
def _(kernel: str, tensors: list[Tensor], plus_identity: bool | None, initial: Tensor) -> Tensor:
    return initial.new_empty(initial.shape[0], tensors[0].shape[1], initial.shape[1])


@gradient.register_fake
def _(
    kernel: str, tensors: list[Tensor], plus_identity: bool | None, *rest: Tensor
) -> list[Tensor]:
    initial, _, _ = rest
    floating = [t for t in tensors if fused.differentiable(t)]
    return [t.new_empty(t.shape) for t in (*floating, initial)]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    ctx.kernel, tensors, ctx.plus_identity, initial = inputs
    ctx.save_for_backward(*tensors, initial, output)


def _backward(ctx: Any, dh: Tensor) -> tuple[Any, ...]:
    *tensors, initial, h = ctx.saved_tensors
    *found, dinitial = gradient(ctx.kernel, tensors, ctx.plus_identity, initial, h, dh)
    remaining = iter(found)
    gradients = [next(remaining) if fused.differentiable(t) else None for t in tensors]
    return None, gradients, None, dinitial


opaque.register(scan, gradient, setup=_setup, backward=_backward)
