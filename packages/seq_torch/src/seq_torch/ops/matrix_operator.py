"""Moved to `seq_torch.ops.glue.matrix_operator`."""

from .glue.moved import moved

moved(__name__, "seq_torch.ops.glue.matrix_operator")
