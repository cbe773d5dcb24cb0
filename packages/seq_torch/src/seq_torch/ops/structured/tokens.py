"""The scan of blocks that a table has for every token: kernels that read them where they lie.

One matrix per position, gathered from the table, would be written, read and given a gradient, all
of which is as long as the sequence; this way there is one per token.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..glue import opaque, pages, threads
from ..glue.checks import plain
from ..glue.tangents import without_tangents
from .problem import Problem, check_tokens
from .transitions import Blocks

SMALL = 8  # rows up to which blocks are gathered, as a copy costs less than a matrix product


def covers(p: Problem) -> bool:
    """Whether the matrices are a table of blocks, of some size."""
    blocks = p.transitions
    return p.tokens is not None and isinstance(blocks, Blocks) and blocks.blocks.shape[-1] > SMALL


def forward(blocks: Tensor, tokens: Tensor, initial: Tensor, drive: Tensor | None) -> Tensor:
    """States after every position."""
    from ..kernels import tokens as kernels  # numba is imported on the first call that needs it

    check_tokens(tokens, len(blocks))  # before a kernel reaches beyond the table
    blocks, tokens, initial = (plain(t) for t in (blocks, tokens, initial))
    h = pages.empty_like(initial, (*tokens.shape, initial.shape[1]))
    drive = h.new_empty(0, 0, h.shape[2]) if drive is None else plain(drive)
    arrays = [t.numpy() for t in (blocks, tokens, initial, drive, h)]
    work = h.numel() * blocks.shape[-1]
    threads.run_lanes(work, len(h), lambda *part: kernels.forward(*part, *arrays))
    return h


def backward(
    blocks: Tensor, tokens: Tensor, initial: Tensor, h: Tensor, dh: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the table, of the initial state, and of what is added at every position."""
    from ..kernels import tokens as kernels

    blocks, initial, h, dh = (plain(t) for t in (blocks.conj(), initial.conj(), h.conj(), dh))
    reached, dinitial = pages.empty_like(h), torch.empty_like(initial)
    arrays = [t.numpy() for t in (blocks, plain(tokens), dh, reached, dinitial)]
    work = h.numel() * blocks.shape[-1]
    threads.run_lanes(work, len(h), lambda *part: kernels.backward(*part, *arrays))

    order = tokens.flatten().argsort(stable=True)
    counts = tokens.flatten().bincount(minlength=len(blocks))
    starts = torch.cat((counts.new_zeros(1), counts.cumsum(0)))
    before = torch.cat((initial[:, None], h[:, :-1]), 1)
    rows = [_by_blocks(t.flatten(0, 1)[order], blocks) for t in (reached, before)]
    dblocks = pages.empty_like(blocks)
    sums = [t.numpy() for t in (starts, *rows, dblocks)]
    loads = (counts + 1).tolist()
    multiply = kernels.complex_products if blocks.is_complex() else kernels.products
    threads.run_lanes(work, len(blocks), lambda *part: multiply(*part, *sums), loads)
    return dblocks, dinitial, reached


def _by_blocks(rows: Tensor, blocks: Tensor) -> Tensor:
    """(row, width) as (block, row, size)."""
    return rows.unflatten(1, blocks.shape[1:3]).transpose(0, 1).contiguous()


operator = opaque.define(
    "token_scan",
    "(Tensor blocks, Tensor tokens, Tensor initial, Tensor? drive) -> Tensor",
    forward,
    lambda blocks, tokens, initial, drive: initial.new_empty(*tokens.shape, initial.shape[1]),
)
gradient = opaque.define(
    "token_scan_backward",
    "(Tensor blocks, Tensor tokens, Tensor initial, Tensor h, Tensor dh) "
    "-> (Tensor, Tensor, Tensor)",
    backward,
    lambda blocks, tokens, initial, h, dh: tuple(
        t.new_empty(t.shape) for t in (blocks, initial, h)
    ),
)


def _setup(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    blocks, tokens, initial, drive = inputs
    ctx.driven = drive is not None
    ctx.save_for_backward(blocks, tokens, initial, output)


def _backward(ctx: Any, dh: Tensor) -> tuple[Tensor | None, ...]:
    dblocks, dinitial, ddrive = gradient(*ctx.saved_tensors, dh)
    return dblocks, None, dinitial, ddrive if ctx.driven else None


opaque.register(operator, gradient, setup=_setup, backward=_backward)

_call = without_tangents("structured_scan", operator)


def scan(p: Problem) -> Tensor:
    """States after every position."""
    assert isinstance(p.transitions, Blocks)
    return _call(p.transitions.blocks, p.tokens, p.initial, p.drive)
