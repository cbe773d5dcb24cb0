"""The scan of the matrix-to-matrix recurrence and its backends."""

from .scan import m2rnn_scan

__all__ = ["m2rnn_scan"]
