"""The linear scan and its backends."""

from .scan import linear_scan

__all__ = ["linear_scan"]
