"""Moved to `seq_torch.ops.glue.threads`."""

from .glue.moved import moved

moved(__name__, "seq_torch.ops.glue.threads")
