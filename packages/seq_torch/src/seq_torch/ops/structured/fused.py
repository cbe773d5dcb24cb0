"""The scan of structured matrices on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. The states are the output, so the backward pass computes none again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from ..glue import pages, threads
from ..glue.checks import plain
from ..glue.obstacles import of_fused
from .problem import Problem

COMPILED = (torch.float32, torch.float64, torch.complex64, torch.complex128)


def obstacles(p: Problem) -> list[str]:
    """Name what keeps the kernels from running, which are of single and double precision."""
    if p.like.dtype not in COMPILED:
        return [f"matrices of {p.like.dtype} (expected single or double precision)"]
    return of_fused(p)


def forward(
    kernel: str,
    tensors: Sequence[Tensor],
    plus_identity: bool | None,
    initial: Tensor,
    drive: Tensor | None,
) -> Tensor:
    """States after every position."""
    tensors, initial = [plain(t) for t in tensors], plain(initial)
    _check_places(tensors, initial.shape[1])
    h = pages.empty_like(initial, (len(initial), tensors[0].shape[1], initial.shape[1]))
    run = _kernels(kernel, tensors).forward
    _share(run, tensors, plus_identity, (initial, _optional(drive, h), h))
    return h


def backward(
    kernel: str,
    tensors: Sequence[Tensor],
    plus_identity: bool | None,
    initial: Tensor,
    driven: bool,
    h: Tensor,
    dh: Tensor,
) -> list[Tensor]:
    """Gradients of those of `tensors` that have one, then of the drive, if any, and `initial`."""
    *tensors, initial, h = (plain(t.conj()) for t in (*tensors, initial, h))
    gradients = [pages.empty_like(t) for t in tensors if differentiable(t)]
    gradients.append(pages.empty_like(h) if driven else _optional(None, h))
    gradients.append(torch.empty_like(initial))
    run = _kernels(kernel, tensors).backward
    _share(run, tensors, plus_identity, (initial, h, plain(dh), *gradients))
    return gradients


def _optional(drive: Tensor | None, h: Tensor) -> Tensor:
    return h.new_empty(0, 0, h.shape[-1]) if drive is None else plain(drive)


def _check_places(tensors: Sequence[Tensor], width: int) -> None:
    """Raise where a kernel would reach beyond the state; here and not earlier, to be compiled."""
    for places in tensors:
        if not differentiable(places) and places.numel():
            low, high = (int(end) for end in places.aminmax())
            if low < 0 or high >= width:
                raise IndexError(f"got places {low}..{high} in a state of {width}.")


def differentiable(tensor: Tensor) -> bool:
    """Whether a tensor of a structure has a gradient, which one of places has not."""
    return tensor.is_floating_point() or tensor.is_complex()


def _kernels(name: str, tensors: Sequence[Tensor]) -> Any:
    """Import the kernels, and numba with them, on the first call that needs them."""
    module = import_module(f"..kernels.structured.{name}", __package__)
    if name != "blocks":
        return module
    size = tensors[0].shape[-1]
    return module.of_size(size if size <= module.UNROLLED else 0)


def _share(
    kernel: Callable[..., None],
    tensors: Sequence[Tensor],
    plus_identity: bool | None,
    others: Sequence[Tensor],
) -> None:
    """Call the kernel for every part of the sequences, on all threads."""
    batch = len(tensors[0])
    flag = () if plus_identity is None else (plus_identity,)
    arguments = (*(t.numpy() for t in tensors), *flag, *(t.numpy() for t in others))
    work = max(t.numel() for t in tensors)
    threads.run_lanes(work, batch, lambda *part: kernel(*part, *arguments))
