"""Copies of arrays, number by number.

An assignment of one array to another would do the same, but its check of shapes brings the
formatting of text for its error into every kernel: seconds of compilation at a first call.
"""

from __future__ import annotations

from .compiler import compiled


@compiled
def copy_row(source, target):
    """Copy a vector."""
    for n in range(source.shape[0]):
        target[n] = source[n]


@compiled
def add_row(source, target):
    """Add a vector to another."""
    for n in range(source.shape[0]):
        target[n] += source[n]


@compiled
def copy_rows(source, target):
    """Copy a matrix."""
    for m in range(source.shape[0]):
        for n in range(source.shape[1]):
            target[m, n] = source[m, n]


@compiled
def turn(source, target):
    """Copy a matrix to its transpose, eight rows at a time: they end in one line of memory."""
    for start in range(0, source.shape[0], 8):
        stop = min(start + 8, source.shape[0])
        for n in range(source.shape[1]):
            for m in range(start, stop):
                target[n, m] = source[m, n]
