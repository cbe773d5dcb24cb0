"""The choice of a mixture of logits: weights (position, word), dictionary (word, state, state).

Positions `first` to `last` are one worker's own. Of equal logits the first is chosen.
"""

from __future__ import annotations

import numpy as np

from .compiler import compiled


@compiled
def rows_of_columns(first, last, weights, dictionary, places):
    """Choose a row for each column."""
    width = dictionary.shape[1]
    logits, best = np.empty(width, weights.dtype), np.empty(width, weights.dtype)
    for p in range(first, last):
        chosen = places[p]
        chosen[:] = 0
        _mix(weights[p], dictionary, 0, best)
        for i in range(1, width):
            _mix(weights[p], dictionary, i, logits)
            for j in range(width):
                chosen[j] = i if logits[j] > best[j] else chosen[j]
            for j in range(width):
                best[j] = logits[j] if logits[j] > best[j] else best[j]


@compiled
def columns_of_rows(first, last, weights, dictionary, places):
    """Choose a column for each row."""
    width = dictionary.shape[1]
    logits = np.empty(width, weights.dtype)
    for p in range(first, last):
        for i in range(width):
            _mix(weights[p], dictionary, i, logits)
            chosen, best = 0, logits[0]
            for j in range(1, width):
                if logits[j] > best:
                    chosen, best = j, logits[j]
            places[p, i] = chosen


@compiled
def _mix(weights, dictionary, i, logits):
    """Fill in row i of the mixture."""
    logits[:] = 0
    for k in range(len(weights)):
        for j in range(len(logits)):
            logits[j] += weights[k] * dictionary[k, i, j]
