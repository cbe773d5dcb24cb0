"""Moved to `seq_torch.ops.glue.opaque`."""

from .glue.moved import moved

moved(__name__, "seq_torch.ops.glue.opaque")
