"""Mixers that look ahead: states of a scan in both directions, and the refusal of a state."""

from __future__ import annotations

import torch
from jaxtyping import Complex
from torch import nn

from ... import ops


def scanned(
    transition: Complex[torch.Tensor, " state"],
    driven: Complex[torch.Tensor, "batch time state"],
    *,
    bidirectional: bool,
) -> Complex[torch.Tensor, "batch time states"]:
    r"""Give the states of a recurrence from rest, and behind them those of the reversed one.

    .. math:: h_k = \lambda h_{k-1} + b_k, \qquad g_k = \lambda g_{k+1} + b_k

    The drive b_k of position k is part of both.
    """
    h = ops.linear_scan(transition, driven)
    if not bidirectional:
        return h
    return torch.cat((h, ops.linear_scan(transition, driven.flip(1)).flip(1)), -1)


def require_causal(module: nn.Module, *, bidirectional: bool) -> None:
    """Raise if a module looks ahead, where a state is asked of it."""
    if bidirectional:
        raise TypeError(
            f"{type(module).__name__} was built with bidirectional=True: its outputs depend on "
            "the future, so it has no state, no `prefill` and no `step`. Call it on the whole "
            "sequence."
        )
