"""Copies of arrays, number by number.

An assignment of one array to another would do the same, but its check of shapes brings the
formatting of text for its error into every kernel: seconds of compilation at a first call.
"""

from __future__ import annotations

from .compiler import compiled
from .vectors import SIDE, transpose


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
    """Copy a matrix to its transpose: square by square, and number by number what is left."""
    rows, columns = source.shape[0] // SIDE * SIDE, source.shape[1] // SIDE * SIDE
    for m in range(0, rows, SIDE):
        for n in range(0, columns, SIDE):
            transpose(source, m, n, target)
        for n in range(columns, source.shape[1]):
            for each in range(m, m + SIDE):
                target[n, each] = source[each, n]
    for m in range(rows, source.shape[0]):
        for n in range(source.shape[1]):
            target[n, m] = source[m, n]
