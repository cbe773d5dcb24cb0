"""The fused delta rule as a custom operator of torch; see `opaque` for what it can do."""

from ..glue.matrix_operator import matrix_operator
from . import fused
from .problem import Problem

_made = matrix_operator("delta_scan", Problem, fused, kept=("residual", "states"))
NAMES, operator, scan = _made.names, _made.operator, _made.scan
