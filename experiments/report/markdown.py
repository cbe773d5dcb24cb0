"""Tables of records in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a table in Markdown; bars inside cells are escaped."""
    cells = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    body = [header, ["---"] * len(header), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in body)
