"""The scan of structured matrices and its backends."""

from .scan import structured_scan
from .transitions import (
    Blocks,
    DiagonalLowRank,
    Elementwise,
    Fetched,
    Hadamard,
    Routed,
    SparseRows,
    Transitions,
)

__all__ = [
    "Blocks",
    "DiagonalLowRank",
    "Elementwise",
    "Fetched",
    "Hadamard",
    "Routed",
    "SparseRows",
    "Transitions",
    "structured_scan",
]
