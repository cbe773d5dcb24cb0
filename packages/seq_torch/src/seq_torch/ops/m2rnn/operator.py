"""The fused scan of the matrix-to-matrix recurrence as a custom operator; see `opaque`."""

from ..glue.matrix_operator import matrix_operator
from . import fused
from .problem import Problem

_made = matrix_operator("m2rnn_scan", Problem, fused, kept=("states",))
NAMES, operator, scan = _made.names, _made.operator, _made.scan
