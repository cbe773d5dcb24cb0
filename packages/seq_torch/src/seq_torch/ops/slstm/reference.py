"""The sLSTM as its equation reads: a loop over time in plain torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from .problem import Problem


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output `(batch, head, time, channel)` and last state `(batch, head, part, channel)`."""
    state, outputs = p.initial.unbind(2), []
    for drive in p.x.unbind(2):
        state = advance(drive, p.weight, *state)
        outputs.append(state[0])
    return torch.stack(outputs, 2), torch.stack(state, 2)


def advance(
    drive: Tensor, weight: Tensor, h: Tensor, c: Tensor, n: Tensor, m: Tensor
) -> tuple[Tensor, ...]:
    """State (h, c, n, m) after one step; where n is zero, nothing was stored and m says nothing."""
    i, f, z, o = (drive + torch.einsum("hgdc,bhc->bhgd", weight, h)).unbind(2)
    kept = logsigmoid(f) + m
    most = torch.where((n == 0) | (i > kept), i, kept)
    i, f = torch.exp(i - most), torch.exp(kept - most)
    c, n = f * c + i * torch.tanh(z), f * n + i
    return torch.sigmoid(o) * c / n, c, n, most
