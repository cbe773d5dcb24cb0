"""The outer scan and its backends."""

from .scan import outer_scan

__all__ = ["outer_scan"]
