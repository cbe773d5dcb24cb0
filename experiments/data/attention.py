"""Softmax attention in NumPy: over the past of a sequence, and the published fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Sequences = Float[np.ndarray, "batch time channel"]

_BLOCK = 256  # sequences whose scores are held at once


def over_past(q: Sequences, k: Sequences, v: Sequences) -> Sequences:
    r"""Attend from every position to itself and the ones before it.

    .. math:: y_i = \sum_{j \le i} \mathrm{softmax}_{j \le i}(q_i \cdot k_j / \sqrt d)\, v_j
    """
    length = q.shape[1]
    future = np.triu(np.full((length, length), -np.inf), 1)
    out = np.empty_like(v)
    for start in range(0, len(q), _BLOCK):
        rows = slice(start, start + _BLOCK)
        out[rows] = _softmax(_scores(q[rows], k[rows]) + future) @ v[rows]
    return out


def across_samples(q: Sequences, k: Sequences, v: Sequences) -> Sequences:
    """Attend from every sequence to all sequences, one position at a time."""
    out = np.empty_like(v)
    for position in range(q.shape[1]):
        place = (slice(None), position)
        out[place] = _softmax(_scores(q[place], k[place])) @ v[place]
    return out


def _scores(q: np.ndarray, k: np.ndarray) -> np.ndarray:
    return q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])


def _softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)
