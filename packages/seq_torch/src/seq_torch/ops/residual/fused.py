"""The residual scan on the processor: compiled kernels, one pass forward and one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. The pass back needs the slope of the activation at every step: its arguments follow from
the states by one matrix product, which is faster than a second recurrence.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .. import threads
from .reference import recurrent

BLOCK = 64  # states of a diagonal recurrence that one worker carries together
CODES = {"linear": 0, "tanh": 1, "hardtanh": 2}  # the kernels' names of the activations


def forward(x: Tensor, weight: Tensor, initial: Tensor, dt: float, activation: str) -> Tensor:
    """States after every step."""
    from ..kernels import residual  # numba is imported on the first call

    x, initial = _plain(x), _plain(initial)
    h = torch.empty_like(x)
    if h.numel():
        # The columns of a matrix are added up, one contiguous row of its transpose at a time.
        turned = _plain(weight if weight.ndim == 1 else weight.mT)
        arrays = tuple(t.numpy() for t in (x, turned, initial, h))
        kernel = residual.diagonal if weight.ndim == 1 else residual.dense
        step, code = arrays[-1].dtype.type(dt), CODES[activation]
        _share(h, weight, lambda *lanes: kernel(*lanes, *arrays, step, code))
    return h


def backward(
    dh: Tensor, x: Tensor, weight: Tensor, initial: Tensor, h: Tensor, dt: float, activation: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `x`, `weight` and `initial`."""
    from ..kernels import residual

    dh, weight = _plain(dh), _plain(weight)
    dx, dinitial = torch.empty_like(dh), dh.new_zeros(initial.shape)
    if not dx.numel():
        return dx, torch.zeros_like(weight), dinitial
    before = torch.cat((initial[:, None], h[:, :-1]), dim=1)
    slopes = dt * _slope(x + recurrent(weight, before), activation)
    arrays = tuple(t.numpy() for t in (slopes, weight, dh, dx, dinitial))
    kernel = residual.diagonal_back if weight.ndim == 1 else residual.dense_back
    _share(dh, weight, lambda *lanes: kernel(*lanes, *arrays))
    if weight.ndim == 1:
        return dx, (dx * before).sum((0, 1)), dinitial
    return dx, dx.flatten(0, 1).mT @ before.flatten(0, 1), dinitial


def _slope(z: Tensor, activation: str) -> Tensor:
    if activation == "tanh":
        return 1 - torch.tanh(z).square()
    # A NaN stays one.
    return torch.ones_like(z) if activation == "linear" else (z.abs() < 1).to(z) + 0 * z


def _share(h: Tensor, weight: Tensor, kernel: Callable[..., None]) -> None:
    """Call the kernel for every part of the sequences and, if diagonal, of the states."""
    batch, _, state = h.shape
    blocks = -(-state // BLOCK) if weight.ndim == 1 and batch < threads.MANY else 1
    workers = threads.count(h.numel() * weight.shape[0] ** (weight.ndim - 1), batch * blocks)

    def share(worker: int) -> None:
        for task in range(worker, batch * blocks, workers):
            row, block = divmod(task, blocks)
            kernel(row, row + 1, block * state // blocks, (block + 1) * state // blocks)

    threads.run(workers, share)


def _plain(value: Tensor) -> Tensor:
    return value.detach().resolve_neg().contiguous()
