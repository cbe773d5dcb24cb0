"""The fused linear scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .. import opaque
from . import fused


@torch.library.custom_op(
    "seq_torch::linear_scan",
    mutates_args=(),
    schema="(Tensor a, Tensor b, Tensor? initial) -> Tensor",
)
def scan(a: Tensor, b: Tensor, initial: Tensor | None) -> Tensor:
    """States after every step; `a` has three axes, those of batch and time perhaps of length 1."""
    return fused.forward(a, b, initial)


@torch.library.custom_op(
    "seq_torch::linear_scan_backward",
    mutates_args=(),
    schema="(Tensor dh, Tensor a, Tensor h, Tensor? initial) -> (Tensor, Tensor, Tensor)",
)
def gradient(
    dh: Tensor, a: Tensor, h: Tensor, initial: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `a`, `b` and `initial`, the last one empty where there is none."""
    return fused.backward(dh, a, h, initial)


@scan.register_fake
def _(a: Tensor, b: Tensor, initial: Tensor | None) -> Tensor:
    return b.new_empty(b.shape)


@gradient.register_fake
def _(dh: Tensor, a: Tensor, h: Tensor, initial: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    last = (0 if initial is None else h.shape[0], h.shape[2])
    return a.new_empty(a.shape), h.new_empty(h.shape), h.new_empty(last)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    a, _, initial = inputs
    ctx.save_for_backward(a, output, initial)


def _backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    a, h, initial = ctx.saved_tensors
    da, db, dinitial = gradient(dh, a, h, initial)
    return da, db, None if initial is None else dinitial


opaque.register(scan, gradient, setup=_setup, backward=_backward)
