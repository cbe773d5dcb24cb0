"""Causal convolution of sequences with one kernel per channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, overload

import torch
from torch import Tensor
from torch.nn import functional

from .glue import packed
from .glue.backend import asked
from .glue.checks import check_tensors, common_type, depending

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float, Int

# Entries of a kernel up to which something is faster than the transform, forward and backward on a
# CPU: torch's own convolution, if the sequence is longer; a product with matrices, if it is not and
# there are as many sequences to share the matrices.
WINDOW, SHORT = 16, 32
MEETING = 64  # steps of a packed sequence, on average, up to which they share a call: calls cost


@overload
def causal_convolution(
    u: Float[Tensor, "batch time channel"],
    kernel: Float[Tensor, "channel length"],
    initial: Float[Tensor, "batch length-1 channel"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: Literal[False] = False,
) -> Float[Tensor, "batch time channel"]: ...
@overload
def causal_convolution(
    u: Float[Tensor, "batch time channel"],
    kernel: Float[Tensor, "channel length"],
    initial: Float[Tensor, "batch length-1 channel"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: Literal[True],
) -> tuple[Tensor, Tensor]: ...
def causal_convolution(
    u: Float[Tensor, "batch time channel"],
    kernel: Float[Tensor, "channel length"],
    initial: Float[Tensor, "batch length-1 channel"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    r"""Convolve every channel with its kernel.

    .. math:: y_k = \sum_{j=0}^{L - 1} K_j\, u_{k-j}, \qquad
              u_{-1}, \dots, u_{1 - L} = \text{initial, from its end}

    Parameters
    ----------
    u
        Input.
    kernel
        One kernel per channel. Entries at and after `time` have no effect without `initial`.
    initial
        Inputs before the first step, in order of time; zero if None.
    cu_seqlens
        Offsets of packed sequences: a batch of 1 is a row of sequences back to back, which begin at
        these steps, and the last one ends at the last of them. They begin at 0, never fall (a
        sequence may be empty), and end at `time`; int32 or int64. States, the initial and the last,
        are then those of the sequences, `(sequence, length - 1, channel)`.
    return_last_state
        Whether to return the last inputs too, with which a sequence is continued.

    Returns
    -------
    Output of the shape and type of `u`, and the last inputs, of the shape of `initial`, if asked
    for.

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

    Packed sequences are what they are alone, to rounding: those of at most 64 steps on average meet
    a kernel of at most 16 entries in one row, apart from each other, and others run each by itself.
    Offsets on a device are read from it, which waits.
    """
    convolve = _direct if asked("auto") == "reference" else _convolve
    return _extended(convolve, u, kernel, initial, cu_seqlens, return_last_state)


def causal_convolution_direct(
    u: Float[Tensor, "batch time channel"],
    kernel: Float[Tensor, "channel length"],
    initial: Float[Tensor, "batch length-1 channel"] | None = None,
    *,
    cu_seqlens: Int[Tensor, " sequence+1"] | None = None,
    return_last_state: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:
    """Convolve every channel with its kernel by the sum itself, as a twin to check against.

    Takes and returns what `causal_convolution` does, in O(time * length) per channel.
    """
    return _extended(_direct, u, kernel, initial, cu_seqlens, return_last_state)


def _extended(
    convolve: Callable[[Tensor, Tensor], Tensor],
    u: Tensor,
    kernel: Tensor,
    initial: Tensor | None,
    cu_seqlens: Tensor | None,
    return_last_state: bool,
) -> Tensor | tuple[Tensor, Tensor]:
    """Extend a convolution, of one sequence a row and zeros before it, to states and offsets."""
    sequences = _check(u, kernel, initial, cu_seqlens)
    if initial is None and cu_seqlens is None and not return_last_state:
        return convolve(u, kernel)
    past = kernel.shape[1] - 1
    before = u.new_zeros(sequences, past, u.shape[2]) if initial is None else initial.to(u.dtype)
    steps = [u.shape[1]] if cu_seqlens is None else packed.lengths(cu_seqlens, u.shape[1])
    rows = [before] if cu_seqlens is None else before.split(1)
    parts = [torch.cat(pair, 1) for pair in zip(rows, u.split(steps, 1), strict=True)]
    meet = past < WINDOW and u.shape[1] <= MEETING * len(steps)
    if convolve is _convolve and meet:
        sizes = [size for each in steps for size in (past, each)]
        outputs = convolve(torch.cat(parts, 1), kernel).split(sizes, 1)[1::2]
    else:
        outputs = [convolve(part, kernel)[:, past:] for part in parts]
    output, states = torch.cat(outputs, 1), [part[:, part.shape[1] - past :] for part in parts]
    return (output, torch.cat(states)) if return_last_state else output


def _convolve(u: Tensor, kernel: Tensor) -> Tensor:
    """Convolve by the method that is fastest for these sizes."""
    if u.numel() == 0:
        return depending(u.clone(), kernel)
    dtype = common_type((u,))
    kernel = kernel[:, : u.shape[1]]
    with torch.autocast(u.device.type, enabled=False):
        return _method(u, kernel)(u.to(dtype), kernel.to(dtype)).to(u.dtype)


def _direct(u: Tensor, kernel: Tensor) -> Tensor:
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


def _check(u: Tensor, kernel: Tensor, initial: Tensor | None, cu_seqlens: Tensor | None) -> int:
    """Check every input against `u`, and count the sequences."""
    given = {"u": u, "kernel": kernel} | ({} if initial is None else {"initial": initial})
    check_tensors(given, "u")
    if u.ndim != 3:
        raise ValueError(f"got u of shape {tuple(u.shape)}, expected (batch, time, channel).")
    if kernel.ndim != 2 or kernel.shape[0] != u.shape[2] or kernel.shape[1] == 0:
        raise ValueError(
            f"got kernel of shape {tuple(kernel.shape)}, expected (channel, length) = "
            f"({u.shape[2]}, at least 1) for u of shape {tuple(u.shape)}."
        )
    sequences, axis = u.shape[0], "batch"
    if cu_seqlens is not None:
        sequences, axis = packed.count_sequences(cu_seqlens, u.device), "sequence"
        packed.check_row(cu_seqlens, u.shape[0], u.shape[1])
    shape = (sequences, kernel.shape[1] - 1, u.shape[2])
    if initial is not None and tuple(initial.shape) != shape:
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected ({axis}, length - 1, channel) "
            f"= {shape}: the inputs before the first step."
        )
    return sequences


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
