"""The sLSTM on the processor: compiled kernels, one pass forward, one back.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. For the pass back the state is kept after every step; the recurrent part of the gates
follows from it by one matrix product, and the gradient of the weights is another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..glue import pages, threads
from ..glue.checks import plain
from .problem import Problem

ROWS = 8  # sequences of a head that are taken side by side


def shapes(p: Problem, keep: bool) -> list[tuple[int, ...]]:
    """Shapes of output, last state, and the state after every step, if it is kept."""
    batch, heads, time, parts, channels = p.x.shape
    kept = (batch if keep else 0, heads, time, parts, channels)
    return [(batch, heads, time, channels), tuple(p.initial.shape), kept]


def forward(p: Problem, keep: bool) -> tuple[Tensor, ...]:
    """Output, last state, and the state after every step, empty unless it is to be kept."""
    from ..kernels import slstm  # numba is imported on the first call that needs it

    output, state, states = (pages.empty_like(p.x, shape) for shape in shapes(p, keep))
    state.copy_(p.initial)
    weight = plain(p.weight.flatten(1, 2).mT)  # (head, from, gate and to)
    _run(slstm.forward, p, (plain(p.x).flatten(3), weight, state, output, states))
    return output, state, states


def backward(p: Problem, states: Tensor, dy: Tensor, dstate: Tensor) -> list[Tensor]:
    """Gradients of the inputs, in the order of the problem's fields."""
    from ..kernels import slstm

    initial, dinitial = plain(p.initial), plain(dstate).clone()
    before = torch.cat((initial[:, :, None, 0], states[:, :, :-1, 0]), 2)
    before = before.transpose(0, 1).flatten(1, 2)  # (head, step, from)
    weight = plain(p.weight.flatten(1, 2))  # (head, gate and to, from)
    batch, heads = p.x.shape[:2]
    recurrent = (before @ weight.mT).view(heads, batch, *p.x.shape[2:]).transpose(0, 1)
    gates = plain(plain(p.x) + recurrent)  # and then their gradients
    _run(slstm.backward, p, (gates.flatten(3), weight, initial, plain(states), dinitial, plain(dy)))
    change = gates.transpose(0, 1).flatten(1, 2).flatten(2)  # (head, step, gate and to)
    return [gates, (change.mT @ before).view(p.weight.shape), dinitial]


def _run(kernel: Callable[..., None], p: Problem, tensors: Sequence[Tensor]) -> None:
    """Call a kernel for every part of the lanes, on all threads."""
    arrays = [tensor.numpy() for tensor in tensors]
    work, lanes = p.x.numel() * p.x.shape[-1], p.x.shape[0] * p.x.shape[1]
    if work:
        threads.run_lanes(work, lanes, lambda *part: kernel(*part, ROWS, *arrays))
