"""The selective scan and its backends."""

from .scan import selective_scan

__all__ = ["selective_scan"]
