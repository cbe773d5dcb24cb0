"""Sequence models in torch."""

__version__ = "0.1.0"
