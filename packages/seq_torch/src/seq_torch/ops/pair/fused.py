"""The scan of pairs on the processor: compiled kernels, one pass forward and one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. The states are the output, so the backward pass computes none again.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..glue import pages, threads
from ..glue.checks import plain


def forward(
    matrices: Tensor, gains: Tensor, drive: Tensor, initial: Tensor
) -> tuple[Tensor, Tensor]:
    """First and second numbers of the pairs."""
    given = tuple(plain(t) for t in (matrices, gains, drive, initial))
    first, second = pages.empty_like(given[2]), pages.empty_like(given[2])
    _share(_kernels().forward, drive, (*given, first, second))
    return first, second


def backward(
    dfirst: Tensor,
    dsecond: Tensor,
    matrices: Tensor,
    gains: Tensor,
    drive: Tensor,
    initial: Tensor,
    first: Tensor,
    second: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gradients of all inputs; sums over sequences are formed from one sum for each of them."""
    given = (dfirst, dsecond, matrices, gains, drive, initial, first, second)
    dmatrices = drive.new_zeros(len(drive), *matrices.shape)
    dgains = drive.new_zeros(len(drive), *gains.shape)
    ddrive, dinitial = pages.empty_like(plain(drive)), plain(initial).clone()
    arrays = (*(plain(t) for t in given), dmatrices, dgains, ddrive, dinitial)
    _share(_kernels().backward, drive, arrays)
    return dmatrices.sum(0), dgains.sum(0), ddrive, dinitial


def _kernels() -> Any:
    """Import the kernels, and numba with them, on the first call that needs them."""
    from ..kernels import pair

    return pair


def _share(kernel: Any, drive: Tensor, tensors: tuple[Tensor, ...]) -> None:
    arrays = tuple(t.numpy() for t in tensors)
    threads.run_lanes(drive.numel(), len(drive), lambda *part: kernel(*part, *arrays))
