"""The delta rule and its backends."""

from .scan import delta_scan

__all__ = ["delta_scan"]
