"""Published numbers of Figure 2: fewest blocks above 90 % token accuracy, one seed each.

Source: N. Muca Cirone et al., arXiv:2402.19047, Figure 2; None where no depth up to 4 sufficed.
"""

from __future__ import annotations

DEEPEST = 4
"""The most blocks that were tried."""
LENGTHS = (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20)

_DEPTHS: dict[str, tuple[int | None, ...]] = {
    "linear_cde": (1,) * 14,
    "rnn": (1,) * 14,
    "s4": (1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, None),
    "mamba": (1, 2, 2, 2, 2, 3, 3, 3, 4, 4, None, None, None, None),
    "transformer": (1, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 4, None, None),
}

DEPTHS: dict[str, dict[int, int | None]] = {
    model: dict(zip(LENGTHS, depths, strict=True)) for model, depths in _DEPTHS.items()
}
"""Minimum depth by model and length."""


def is_solved(model: str, length: int, depth: int) -> bool:
    """Whether a published run of the model tracked A5 at this length with at most this depth."""
    least = DEPTHS.get(model, {}).get(length)
    return least is not None and least <= depth
