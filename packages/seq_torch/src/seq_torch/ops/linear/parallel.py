"""The linear scan by recursive doubling, in plain torch: O(log time) steps, O(time) work."""

from __future__ import annotations

import torch
from torch import Tensor

from ..glue.checks import depending
from .problem import Problem


def scan(p: Problem) -> Tensor:
    """States `(batch, time, state)`."""
    a, b, initial = p.a, p.b, p.initial
    if b.shape[1] == 0:
        return depending(b.clone(), a, initial)
    if initial is not None:
        first = b[:, :1] + a[:, :1] * initial[:, None]
        b = torch.cat((first, b[:, 1:]), dim=1)
    return _scan(a, b)


def _scan(a: Tensor, b: Tensor) -> Tensor:
    """Join neighbours, scan the pairs, and fill in the steps between them."""
    time = b.shape[1]
    if time == 1:
        return depending(b.expand(torch.broadcast_shapes(a.shape, b.shape)), a)
    pairs = time // 2
    fixed = a.shape[1] == 1  # factors that do not change with time are never expanded
    earlier, later = (a, a) if fixed else (a[:, 0 : 2 * pairs : 2], a[:, 1::2])
    joined = later * b[:, 0 : 2 * pairs : 2] + b[:, 1::2]
    odd = _scan(later * earlier, joined)
    following = a if fixed else a[:, 2::2]
    rest = b[:, 2::2]
    even = torch.cat((b[:, :1], following * odd[:, : rest.shape[1]] + rest), dim=1)
    woven = torch.stack((even[:, :pairs], odd), dim=2).flatten(1, 2)
    return woven if time % 2 == 0 else torch.cat((woven, even[:, pairs:]), dim=1)
