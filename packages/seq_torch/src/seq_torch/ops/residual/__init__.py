"""The residual scan and its backends."""

from .scan import residual_scan

__all__ = ["residual_scan"]
