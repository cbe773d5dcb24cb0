"""Tables of records in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown; bars inside cells are escaped."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    body = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in body)


def spread(values: Sequence[float] | np.ndarray) -> str:
    """Format the mean with the smallest and the largest value, to three digits."""
    return f"{np.mean(values):.3g} ({np.min(values):.3g}..{np.max(values):.3g})"
