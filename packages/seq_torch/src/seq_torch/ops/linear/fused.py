"""The linear scan on the processor: compiled kernels, one pass forward and one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. The states are the output, so the backward pass computes none again.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from ..glue import pages, threads
from ..glue.checks import plain


def forward(a: Tensor, b: Tensor, initial: Tensor | None) -> Tensor:
    """States after every step."""
    a, b, initial = plain(a), plain(b), _optional(initial, b)
    h = pages.empty_like(b)
    if h.numel():
        kernel, arrays = _kernels(h).forward, _arrays(a, b, initial, h)
        threads.run_tiles(h.numel(), len(h), h.shape[2], lambda *tile: kernel(*tile, *arrays))
    return h


def backward(
    dh: Tensor, a: Tensor, h: Tensor, initial: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `a`, `b` and `initial`, the last one empty where there is none."""
    a, h, dh, initial = plain(a), plain(h), plain(dh), _optional(initial, h)
    # Factors that change with time but not with the sequence sum over sequences in one worker;
    # those that change with neither have one small sum per sequence, added up afterwards.
    together = a.shape[0] == 1 and a.shape[1] > 1
    da = torch.zeros_like(a) if together else a.new_zeros(len(h), *a.shape[1:])
    db, dinitial = pages.empty_like(h), torch.zeros_like(initial)
    if h.numel():
        kernel, arrays = _kernels(h).backward, _arrays(a, initial, h, dh, da, db, dinitial)
        threads.run_tiles(
            h.numel(),
            len(h),
            h.shape[2],
            lambda *tile: kernel(*tile, *arrays),
            cut_sequences=not together,
        )
    if a.shape[0] == 1 and len(da) != 1:
        da = da.sum(0, keepdim=True)
    return da, db, dinitial


def _kernels(h: Tensor) -> ModuleType:
    """Import the kernels, and numba with them, on the first call that needs them."""
    if h.is_complex():
        from ..kernels import linear_complex

        return linear_complex
    from ..kernels import linear

    return linear


def _arrays(*tensors: Tensor) -> tuple[np.ndarray, ...]:
    """Arrays of real numbers, complex ones as pairs along the last axis."""
    return tuple(
        (torch.view_as_real(t).flatten(-2) if t.is_complex() else t).numpy() for t in tensors
    )


def _optional(value: Tensor | None, like: Tensor) -> Tensor:
    return like.new_empty(0, like.shape[-1]) if value is None else plain(value)
