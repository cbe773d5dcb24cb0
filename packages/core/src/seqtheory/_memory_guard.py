"""Where the guard of memory stood before it joined `seqtheory.checks`."""

from seqtheory.checks import physical_memory, require_memory

__all__ = ["physical_memory", "require_memory"]
