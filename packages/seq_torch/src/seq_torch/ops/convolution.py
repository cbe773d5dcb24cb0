"""Causal convolution of sequences with one kernel per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from .glue.backend import asked
from .glue.checks import check_tensors, common_type, depending

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float

# Entries of a kernel up to which something is faster than the transform, forward and backward on a
# CPU: torch's own convolution, if the sequence is longer; a product with matrices, if it is not and
# there are as many sequences to share the matrices.
WINDOW, SHORT = 16, 32


def causal_convolution(
    u: Float[Tensor, "batch time channel"], kernel: Float[Tensor, "channel length"]
) -> Float[Tensor, "batch time channel"]:
    r"""Convolve every channel with its kernel.

    .. math:: y_k = \sum_{j=0}^{\min(k,\, L - 1)} K_j\, u_{k-j}

    Parameters
    ----------
    u
        Input; before time 0 it is zero.
    kernel
        One kernel per channel. Entries at and after `time` have no effect.

    Returns
    -------
    Output of the shape and type of `u`.

    Raises
    ------
    TypeError, ValueError
        If a type or a shape does not fit; the message says which, and what was expected.

    Notes
    -----
    The method depends on sizes alone. Two kinds of short kernels cost O(time * length) per channel:
    one of at most 16 entries that is shorter than the sequence goes by torch's own convolution; one
    as long as its sequence, with at most 32 entries and at least as many sequences, by a product
    with its Toeplitz matrix. All others go by fast Fourier transform, O(time log time), where
    rounding spreads over the whole sequence: in float32 an output is exact to about 1e-7 of the
    largest term, whatever its own size. Types shorter than float32 are computed in float32. Under
    ``use_backend("reference")`` this is `causal_convolution_direct`.
    """
    _check(u, kernel)
    if asked("auto") == "reference":
        return causal_convolution_direct(u, kernel)
    if u.numel() == 0:
        return depending(u.clone(), kernel)
    dtype = common_type((u,))
    kernel = kernel[:, : u.shape[1]]
    with torch.autocast(u.device.type, enabled=False):
        return _method(u, kernel)(u.to(dtype), kernel.to(dtype)).to(u.dtype)


def causal_convolution_direct(
    u: Float[Tensor, "batch time channel"], kernel: Float[Tensor, "channel length"]
) -> Float[Tensor, "batch time channel"]:
    """Convolve every channel with its kernel by the sum itself, as a twin to check against.

    Takes and returns what `causal_convolution` does, in O(time * length) per channel.
    """
    _check(u, kernel)
    working, time = u.to(common_type((u,))), u.shape[1]
    weights = kernel.to(working.dtype)
    output = depending(torch.zeros_like(working), working, weights)
    for lag in range(min(time, kernel.shape[1])):
        shifted = functional.pad(working[:, : time - lag], (0, 0, lag, 0))
        output = output + weights[:, lag] * shifted
    return output.to(u.dtype)


def _method(u: Tensor, kernel: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
    """Choose what is fastest for a kernel no longer than its sequences."""
    (batch, time, _), length = u.shape, kernel.shape[1]
    if length < time:
        return _windowed if length <= WINDOW else _transformed
    return _multiplied if length <= min(SHORT, batch) else _transformed


def _multiplied(u: Tensor, kernel: Tensor) -> Tensor:
    """Multiply by one matrix per channel, with K_{i-j} at (i, j)."""
    time = u.shape[1]
    matrices = functional.pad(kernel.flip(1), (0, time - 1)).unfold(1, time, 1).flip(1)
    product = torch.bmm(matrices, u.permute(2, 1, 0).contiguous())
    # Flat for a moment: so the gradient, too, comes to the product in one piece of memory.
    return product.flatten(1).unflatten(1, (time, -1)).permute(2, 1, 0)


def _transformed(u: Tensor, kernel: Tensor) -> Tensor:
    size = _smooth(u.shape[1] + kernel.shape[1] - 1)
    product = torch.fft.rfft(u, n=size, dim=1) * torch.fft.rfft(kernel, n=size, dim=1).T
    return torch.fft.irfft(product, n=size, dim=1)[:, : u.shape[1]]


def _windowed(u: Tensor, kernel: Tensor) -> Tensor:
    past = functional.pad(u.mT, (kernel.shape[1] - 1, 0))
    return functional.conv1d(past, kernel.flip(1)[:, None], groups=len(kernel)).mT


def _check(u: Tensor, kernel: Tensor) -> None:
    check_tensors({"u": u, "kernel": kernel}, "u")
    if u.ndim != 3:
        raise ValueError(f"got u of shape {tuple(u.shape)}, expected (batch, time, channel).")
    if kernel.ndim != 2 or kernel.shape[0] != u.shape[2] or kernel.shape[1] == 0:
        raise ValueError(
            f"got kernel of shape {tuple(kernel.shape)}, expected (channel, length) = "
            f"({u.shape[2]}, at least 1) for u of shape {tuple(u.shape)}."
        )


def _smooth(size: int) -> int:
    """Smallest number of at least `size` without prime factors above 5: transforms fast."""
    best = 1 << (size - 1).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            rest = -(-size // three)
            best = min(best, three << (rest - 1).bit_length())
            three *= 3
        five *= 5
    return best
