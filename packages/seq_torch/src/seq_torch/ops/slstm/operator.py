"""The fused scan of the sLSTM as a custom operator of torch; see `opaque` for its limits."""

from ..glue.matrix_operator import matrix_operator
from . import fused
from .problem import Problem

_made = matrix_operator("slstm_scan", Problem, fused, kept=("states",))
NAMES, operator, scan = _made.names, _made.operator, _made.scan
