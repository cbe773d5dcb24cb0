"""Short names of runs: the fields that tell them apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from experiments.fields import leaves, option, telling
from seqtheory.plain import described

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.run import Run

_LONGEST = 100  # characters


def labels(runs: Sequence[Run]) -> list[str]:
    """Name each run by few fields that distinguish all of them."""
    found = of_rows([dict(leaves(described(run))) for run in runs])
    return [label or f"seed={run.seed}" for run, label in zip(runs, found, strict=True)]


def of_rows(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Name runs by their settings; empty where all are alike.

    Runs with equal fields share the choice of fields, so the work grows linearly with the number of
    runs.
    """
    chosen = {keys: telling(rows, keys) for keys in dict.fromkeys(map(tuple, rows))}
    return [_text(row, chosen[tuple(row)]) for row in rows]


def _text(row: dict[str, Any], kept: Sequence[str]) -> str:
    """Spell fields by their last names where these are the only ones."""
    shown = {key: option(key) for key in row}
    last = {key: name.rpartition(".")[2] for key, name in shown.items()}
    often = Counter(last.values())
    names = {key: last[key] if often[last[key]] == 1 else shown[key] for key in kept}
    text = " ".join(f"{names[key]}={row[key]}" for key in kept)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
