"""The selective scan on the processor: compiled kernels that store no states.

`forward` and `backward` take and return tensors and know nothing of autograd; the custom operators
call them. Step sizes, skip connection and gate are elementwise and left to torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from ..glue import packed, threads
from .layout import arrays, flat, joined, optional, rows, unrows
from .problem import Problem, Sizes
from .split import Part, Split, segment, split, split_packed

Gradients = dict[str, Tensor]


def forward(p: Problem, want_last: bool) -> tuple[Tensor, Tensor]:
    """Output, and the last state or an empty tensor."""
    where, sizes = _spans(p), p.sizes
    u, dt = p.u.detach().contiguous(), _steps(p)
    A, B, C = flat(p.A), rows(p.B), rows(p.C)
    initial, count = optional(p.initial_state, A), len(where) if want_last else 0
    y, last = torch.empty_like(u), p.A.new_empty(count, sizes.dim, sizes.state)
    end = torch.empty_like(flat(last))
    kernels, inputs = _kernels(p), arrays(where, u, dt, A, B, C, initial, y, end)
    _run(p, _cut(p), lambda _, part: kernels.forward(*part, *inputs))
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
    where, cut = _spans(p), _cut(p, *_sum_sizes(p))
    sums = {
        "A": A.new_zeros(cut.chunks, *A.shape),
        "B": B.new_zeros(_count(cut, p.B), *B.shape),
        "C": C.new_zeros(_count(cut, p.C), *C.shape),
    }
    y = torch.empty_like(u) if p.z is not None else u.new_empty(0, 0, 0)
    du, ddt, initial = torch.empty_like(u), torch.empty_like(u), optional(p.initial_state, A)
    dinitial, dlast = torch.empty_like(initial), optional(dlast, A)
    kernels, inputs = _kernels(p), arrays(where, u, dt, A, B, C, initial, slope, dlast, y, du, ddt)

    def run(inputs: tuple[Any, ...], task: tuple[int, int], part: Part) -> None:
        own = arrays(*(_own(sums[name], getattr(p, name), task) for name in sums), dinitial)
        kernels.backward(*part, *inputs, *own)

    _run(p, cut, partial(run, inputs))
    del inputs, dt, B, C
    found = {"u": du, "delta": ddt} | {name: _total(sums.pop(name), p) for name in ("A", "B", "C")}
    found["B"], found["C"] = unrows(found["B"], p.B), unrows(found["C"], p.C)
    if p.initial_state is not None:
        found["initial_state"] = joined(dinitial, p.A.is_complex())
    _through_gate(p, found, dy, y)
    _through_skip(p, found, slope)
    _through_steps(p, found)
    return found


def _spans(p: Problem) -> Tensor:
    """Say where every sequence lies, and how many steps a segment of it has, as it has alone."""
    where = packed.spans(p.cu_seqlens, p.sizes.batch, p.sizes.time)
    steps = (where[:, 2] - where[:, 1]).tolist()
    own = {time: segment(p.sizes._replace(time=time)) for time in set(steps)}
    segments = torch.tensor([own[time] for time in steps], dtype=torch.int64)
    return torch.cat((where, segments[:, None]), 1)


def _cut(p: Problem, summed: int = 0, per_sequence: int = 0) -> Split:
    return (split if p.cu_seqlens is None else split_packed)(_sizes(p), summed, per_sequence)


def _sizes(p: Problem) -> Sizes:
    """Sizes with the number of sequences for that of rows."""
    return p.sizes if p.cu_seqlens is None else p.sizes._replace(batch=len(p.cu_seqlens) - 1)


def _run(p: Problem, cut: Split, share: Callable[[tuple[int, int], Part], None]) -> None:
    """Call `share` for every part, given its chunk and block, on all threads."""
    tasks = cut.chunks * cut.blocks
    workers = threads.count(math.prod(p.sizes), tasks)
    sizes, loads = _sizes(p), None if p.cu_seqlens is None else p.cu_seqlens.diff().tolist()

    def work(worker: int) -> None:
        for task in range(worker, tasks, workers):
            chunk, block = divmod(task, cut.blocks)
            share((chunk, block), cut.part(sizes, chunk, block, loads))

    threads.run(workers, work)


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


def _count(cut: Split, value: Tensor) -> int:
    return cut.blocks if value.ndim == 4 else cut.chunks


def _own(sums: Tensor, value: Tensor, task: tuple[int, int]) -> Tensor:
    """Return the sum that one part alone adds to: of its block where `value` varies in time."""
    chunk, block = task
    return sums[block if value.ndim == 4 else chunk]


def _total(sums: Tensor, p: Problem) -> Tensor:
    return joined(sums[0] if len(sums) == 1 else sums.sum(0), p.A.is_complex())


def _kernels(p: Problem) -> ModuleType:
    """Import the kernels, and numba with them, on the first call that needs them."""
    if p.A.is_complex():
        from ..kernels import selective_complex

        return selective_complex
    from ..kernels import selective_real

    return selective_real
