"""The fused delta rule as a custom operator of torch.

Autograd, autocast and `torch.compile` see one opaque operation with a known gradient. The
gradient itself cannot be differentiated again. `torch.func.vmap` works by a loop over the mapped
axis; `torch.func.grad` does not work with custom operators of this kind.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..mapped import map_by_loop
from ..tangents import without_tangents
from . import fused
from .problem import Problem

NAMES = ("q", "k", "v", "beta", "initial", "log_decay")
TENSORS = "Tensor q, Tensor k, Tensor v, Tensor beta, Tensor initial, Tensor? log_decay"


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state; what the gradient needs is kept only where there is to be one."""
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in p.given.values())
    output, state, _, _ = _without_tangents(*(getattr(p, name) for name in NAMES), keep)
    return output, state


@torch.library.custom_op(
    "seq_torch::delta_scan",
    mutates_args=(),
    schema=f"({TENSORS}, bool keep) -> (Tensor, Tensor, Tensor, Tensor)",
)
def operator(*inputs: Any) -> tuple[Tensor, ...]:
    """Output, last state, and residuals and states before the chunks, empty unless kept."""
    *tensors, keep = inputs
    return fused.forward(Problem(*tensors), keep)


@torch.library.custom_op(
    "seq_torch::delta_scan_backward",
    mutates_args=(),
    schema=f"({TENSORS}, Tensor residual, Tensor states, Tensor dy, Tensor dstate) -> Tensor[]",
)
def gradient(*inputs: Any) -> list[Tensor]:
    """Gradients of the inputs that are present, in the order of `NAMES`."""
    *tensors, residual, states, dy, dstate = inputs
    return fused.backward(Problem(*tensors), residual, states, dy, dstate)


@operator.register_fake
def _(*inputs: Any) -> tuple[Tensor, ...]:
    *tensors, keep = inputs
    p = Problem(*tensors)
    return tuple(p.v.new_empty(shape) for shape in fused.shapes(p, keep))


@gradient.register_fake
def _(*inputs: Any) -> list[Tensor]:
    return [value.new_empty(value.shape) for value in inputs[: len(NAMES)] if value is not None]


def _setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    *tensors, ctx.keep = inputs
    ctx.save_for_backward(*tensors, *output[2:])


def _backward(ctx: Any, dy: Tensor, dstate: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
    saved = ctx.saved_tensors  # once: under checkpointing a second reading is refused
    found = iter(gradient(*saved, dy, dstate))
    return (*(None if value is None else next(found) for value in saved[: len(NAMES)]), None)


operator.register_autograd(_backward, setup_context=_setup)
for _device in ("cpu", "cuda"):
    operator.register_autocast(_device, torch.float32)

for _operator in (operator, gradient):
    map_by_loop(_operator)

_without_tangents = without_tangents("delta_scan", operator)
