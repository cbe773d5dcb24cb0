"""The selective scan on the processor: compiled kernels that store no states.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. Step sizes, skip connection and gate are elementwise and left to torch.
"""

from __future__ import annotations

from types import ModuleType

import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from .. import threads
from .layout import arrays, flat, joined, optional, rows, unrows
from .problem import Problem
from .split import Split, split

Gradients = dict[str, Tensor]


def forward(p: Problem, want_last: bool) -> tuple[Tensor, Tensor]:
    """Output, and the last state or an empty tensor."""
    batch, dim, time, state = p.sizes
    u, dt = p.u.detach().contiguous(), _steps(p)
    A, B, C = flat(p.A), rows(p.B), rows(p.C)
    initial = optional(p.initial_state, A)
    y, last = torch.empty_like(u), p.A.new_empty(batch if want_last else 0, dim, state)
    end = torch.empty_like(flat(last))
    lanes = batch * dim
    workers = threads.count(lanes * time * state, lanes)
    scratch = A.new_empty(workers, *A.shape[:-2], state)
    kernels, inputs = _kernels(p), arrays(u, dt, A, B, C, initial, y, end)

    def share(worker: int) -> None:
        first, stop = worker * lanes // workers, (worker + 1) * lanes // workers
        kernels.forward(first, stop, *inputs, scratch[worker].numpy())

    threads.run(workers, share)
    if p.D is not None:
        y.addcmul_(p.D[:, None], u)
    if p.z is not None:
        y.mul_(silu(p.z))
    return y, joined(end, p.A.is_complex())


def backward(p: Problem, dy: Tensor, dlast: Tensor | None) -> Gradients:
    """Gradients of every input that is present, by name."""
    gate = None if p.z is None else silu(p.z)
    slope = (dy if gate is None else dy * gate).contiguous()
    u, dt, B, C = p.u.detach().contiguous(), _steps(p), rows(p.B), rows(p.C)
    A = flat(p.A)
    part = split(p.sizes, *_sum_sizes(p))
    sums = {
        "A": A.new_zeros(part.chunks, *A.shape),
        "B": B.new_zeros(_count(part, p.B), *B.shape),
        "C": C.new_zeros(_count(part, p.C), *C.shape),
    }
    y = torch.empty_like(u) if p.z is not None else u.new_empty(0, 0, 0)
    du, ddt, initial = torch.empty_like(u), torch.empty_like(u), optional(p.initial_state, A)
    dinitial, dlast = torch.empty_like(initial), optional(dlast, A)
    inputs = arrays(u, dt, A, B, C, initial, slope, dlast, y, du, ddt)
    _run(p, part, inputs, sums, dinitial)
    del inputs, dt, B, C
    found = {"u": du, "delta": ddt} | {name: _total(sums.pop(name), p) for name in ("A", "B", "C")}
    found["B"], found["C"] = unrows(found["B"], p.B), unrows(found["C"], p.C)
    if p.initial_state is not None:
        found["initial_state"] = joined(dinitial, p.A.is_complex())
    _through_gate(p, found, dy, y)
    _through_skip(p, found, slope)
    _through_steps(p, found)
    return found


def _run(p: Problem, part: Split, inputs: tuple, sums: dict[str, Tensor], dinitial: Tensor) -> None:
    """Every part of the backward pass, on all threads."""
    batch, dim, time, state = p.sizes
    tasks = part.chunks * part.blocks
    workers = threads.count(batch * dim * time * state, tasks)
    parts = inputs[2].shape[:-2]  # (2,) where complex
    segments = max(1, -(-time // part.segment))
    shapes = [
        (part.segment + 1, state),
        (part.segment, state),
        (segments, state),
        (state,),
        (state,),
    ]
    scratch = [p.u.new_empty(workers, *parts, *shape) for shape in shapes]
    kernels = _kernels(p)

    def share(worker: int) -> None:
        own = arrays(*(s[worker] for s in scratch))
        for task in range(worker, tasks, workers):
            chunk, block = divmod(task, part.blocks)
            first, last = part.sequences(chunk, batch)
            left, right = part.channels(block, dim)
            adds = (
                sums["A"][chunk],
                sums["B"][block if p.B.ndim == 4 else chunk],
                sums["C"][block if p.C.ndim == 4 else chunk],
                dinitial,
            )
            kernels.backward(first, last, left, right, *inputs, *arrays(*adds), *own)

    threads.run(workers, share)


def _through_gate(p: Problem, found: Gradients, dy: Tensor, y: Tensor) -> None:
    if p.z is not None:
        if p.D is not None:
            y.addcmul_(p.D[:, None], p.u)
        found["z"] = torch.ops.aten.silu_backward(y.mul_(dy), p.z)


def _through_skip(p: Problem, found: Gradients, slope: Tensor) -> None:
    if p.D is not None:
        found["u"].addcmul_(slope, p.D[:, None])
        found["D"] = (slope * p.u).sum((0, 2))


def _through_steps(p: Problem, found: Gradients) -> None:
    if p.delta_softplus:
        raw = _shifted(p)
        found["delta"] = torch.ops.aten.softplus_backward(found["delta"], raw, 1, 20)
    if p.delta_bias is not None:
        found["delta_bias"] = found["delta"].sum((0, 2))


def _shifted(p: Problem) -> Tensor:
    delta = p.delta.detach()
    return delta if p.delta_bias is None else delta + p.delta_bias.detach()[:, None]


def _steps(p: Problem) -> Tensor:
    shifted = _shifted(p)
    return (softplus(shifted) if p.delta_softplus else shifted).contiguous()


def _sum_sizes(p: Problem) -> tuple[int, int]:
    """Elements of the sums over sequences, and of those over channels."""
    constant = sum(value.numel() for value in (p.A, p.B, p.C) if value.ndim == 2)
    return constant, sum(value.numel() for value in (p.B, p.C) if value.ndim == 4)


def _count(part: Split, value: Tensor) -> int:
    return part.blocks if value.ndim == 4 else part.chunks


def _total(sums: Tensor, p: Problem) -> Tensor:
    return joined(sums[0] if len(sums) == 1 else sums.sum(0), p.A.is_complex())


def _kernels(p: Problem) -> ModuleType:
    """Import the kernels, and numba with them, on the first call that needs them."""
    if p.A.is_complex():
        from ..kernels import selective_complex

        return selective_complex
    from ..kernels import selective_real

    return selective_real
