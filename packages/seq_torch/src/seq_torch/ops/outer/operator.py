"""The fused outer scan as a custom operator of torch; see `opaque` for what it can do."""

from __future__ import annotations

from torch import Tensor

from ..glue.matrix_operator import matrix_operator
from . import fused
from .problem import Problem

_made = matrix_operator("outer_scan", Problem, fused, kept=("states",))
NAMES, operator = _made.names, _made.operator


def scan(p: Problem) -> tuple[Tensor, Tensor]:
    """Output and last state, with decays and keys laid out for every head and channel."""
    return _made.scan(p.with_all_heads().with_channel_decays())
