"""The scan of one-hot matrices as its equation reads: whole matrices, one product per position."""

from __future__ import annotations

import torch
from torch import Tensor

from ..structured import reference
from ..structured.problem import Problem as Scan
from ..structured.transitions import Blocks
from .problem import Problem


def scan(p: Problem) -> Tensor:
    """States after every position."""
    logits = torch.einsum("btk,kij->btij", p.weights, p.dictionary)
    soft = logits.softmax(p.axis)
    chosen = logits.argmax(p.axis, keepdim=True)
    hard = torch.zeros_like(soft).scatter(p.axis, chosen, 1.0)
    P = hard - soft.detach() + soft  # the value of the choice, the gradient of the softmax
    matrices = P * p.factors.unsqueeze(-2 if p.one_per == "column" else -1)
    return reference.scan(Scan(Blocks(matrices.unsqueeze(2)), p.initial, p.drive))
