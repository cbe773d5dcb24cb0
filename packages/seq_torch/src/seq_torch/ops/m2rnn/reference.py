"""The matrix-to-matrix recurrence as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, value)` and last state `(batch, head, key, value)`."""
    state, outputs = p.initial, []
    for t in range(p.time):
        f = p.decay[:, :, t, None, None]
        drive = p.k[:, :, t, :, None] * p.v[:, :, t, None, :]
        state = f * state + (1 - f) * torch.tanh(state @ p.weight + drive)
        state = _Clipped.apply(state, p.clip)
        outputs.append((p.q[:, :, t, :, None] * state).sum(-2))
    return torch.stack(outputs, 2), state


class _Clipped(torch.autograd.Function):
    """The same value; its gradient is clipped, entry by entry."""

    generate_vmap_rule = True

    @staticmethod
    def forward(value: Tensor, clip: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor, None]:
        (clip,) = ctx.saved_tensors
        return torch.minimum(torch.maximum(cotangents[0], -clip), clip), None

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        return tangents[0].clone()
