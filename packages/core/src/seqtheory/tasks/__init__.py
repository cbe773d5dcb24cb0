"""Tasks: frozen descriptions of synthetic problems, each of which builds a data set."""

from .group_words import GroupWords

__all__ = ["GroupWords"]
