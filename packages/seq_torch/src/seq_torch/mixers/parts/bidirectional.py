"""Mixers that look ahead: states of a scan in both directions, and the refusal of a state."""

from __future__ import annotations

import torch
from jaxtyping import Complex

from seqtheory._sequences import require_causal

from ... import ops

__all__ = ["require_causal", "scanned"]


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
