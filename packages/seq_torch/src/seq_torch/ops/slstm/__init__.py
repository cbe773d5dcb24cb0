"""The scan of the sLSTM and its backends."""

from .scan import slstm_scan

__all__ = ["slstm_scan"]
