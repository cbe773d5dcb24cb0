"""The scan of pairs of numbers under one matrix of their own, and its backends."""

from .scan import pair_scan

__all__ = ["pair_scan"]
