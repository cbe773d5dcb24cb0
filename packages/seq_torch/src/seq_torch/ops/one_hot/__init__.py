"""The scan of matrices that choose by a mixture of a dictionary, and its backends."""

from .scan import one_hot_scan

__all__ = ["one_hot_scan"]
