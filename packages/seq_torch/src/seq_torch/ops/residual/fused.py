"""The residual scan on the processor: compiled kernels, one pass forward and one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. The pass back needs the slope of the activation at every step: its arguments follow from
the states, for a dense recurrence by one matrix product, so that only the states are kept.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..glue import threads
from ..glue.checks import plain

CODES = {"linear": 0, "tanh": 1, "hardtanh": 2}  # the kernels' names of the activations


def forward(x: Tensor, weight: Tensor, initial: Tensor, dt: float, activation: str) -> Tensor:
    """States after every step."""
    from ..kernels import residual  # numba is imported on the first call

    x, initial = plain(x), plain(initial)
    h = torch.empty_like(x)
    if h.numel():
        # The columns of a matrix are added up, one contiguous row of its transpose at a time.
        turned = plain(weight if weight.ndim == 1 else weight.mT)
        arrays = tuple(t.numpy() for t in (x, turned, initial, h))
        kernel = residual.diagonal if weight.ndim == 1 else residual.dense
        step, code = arrays[-1].dtype.type(dt), CODES[activation]
        _run(h, weight, lambda *tile: kernel(*tile, *arrays, step, code))
    return h


def backward(
    dh: Tensor, x: Tensor, weight: Tensor, initial: Tensor, h: Tensor, dt: float, activation: str
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `x`, `weight` and `initial`."""
    from ..kernels import residual

    dh, x, weight, initial = (plain(t) for t in (dh, x, weight, initial))
    dx, dweight, dinitial = (
        torch.empty_like(dh),
        torch.zeros_like(weight),
        torch.zeros_like(initial),
    )
    if not dx.numel():
        return dx, dweight, dinitial
    step, code = dx.numpy().dtype.type(dt), CODES[activation]
    if weight.ndim == 1:
        by_row = torch.zeros_like(initial)
        tensors = (x, weight, initial, plain(h), dh, dx, by_row, dinitial)
        arrays = tuple(t.numpy() for t in tensors)
        _run(dh, weight, lambda *tile: residual.diagonal_back(*tile, *arrays, step, code))
        return dx, by_row.sum(0), dinitial
    before = torch.cat((initial[:, None], h[:, :-1]), dim=1)
    z = x + before @ weight.mT
    arrays = tuple(t.numpy() for t in (z, weight, dh, dx, dinitial))
    _run(dh, weight, lambda *tile: residual.dense_back(*tile, *arrays, step, code))
    return dx, dx.flatten(0, 1).mT @ before.flatten(0, 1), dinitial


def _run(h: Tensor, weight: Tensor, kernel: Callable[..., None]) -> None:
    """Call the kernel for every part of the sequences and, if diagonal, of the states."""
    batch, _, state = h.shape
    work = h.numel() * weight.shape[0] ** (weight.ndim - 1)
    threads.run_tiles(work, batch, state, kernel, cut_states=weight.ndim == 1)
