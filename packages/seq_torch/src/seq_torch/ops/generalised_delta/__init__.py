"""The generalised delta rule and its backends."""

from .scan import generalised_delta_scan

__all__ = ["generalised_delta_scan"]
