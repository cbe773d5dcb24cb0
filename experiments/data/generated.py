"""Data sets that are drawn from a seed: their splits, and a provenance that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from experiments.data.folder import is_remote
from experiments.data.splits import Provenance, Splits
from seqtheory.dataset import Dataset

Parts = tuple[float, float, float]


def require_parts(parts: Parts) -> None:
    """Raise a ValueError unless there are three positive shares that sum to 1."""
    if len(parts) != 3 or min(parts) <= 0 or abs(sum(parts) - 1) > 1e-9:
        raise ValueError(f"parts={parts}: expected three shares that sum to 1")


def refuse_source(source: object, what: str, instead: str) -> None:
    """Raise a ValueError if a source is given, where there is nothing to read.

    Parameters
    ----------
    source
        What was given; None is right.
    what
        What is drawn, in the plural.
    instead
        Name of the data set that reads files.
    """
    if source is not None:
        kind = "fetched" if isinstance(source, str) and is_remote(source) else "read"
        raise ValueError(
            f"source: got {source!r}, but nothing is {kind} where {what} are drawn; pass None, or "
            f"use {instead}"
        )


def cut(
    data: Dataset,
    parts: Parts,
    *,
    seed: int,
    name: str,
    rows: tuple[int, int],
    variant: tuple[str, ...],
    settings: Mapping[str, Any],
    unit: str,
) -> Splits:
    """Cut what was drawn into three parts that share no row.

    Parameters
    ----------
    data
        Examples in the order of drawing.
    parts
        Shares for training, validation and test, in that order.
    seed
        Seed that drew the examples.
    name, rows, variant, settings, unit
        See `Provenance`; the SHA-256 of all inputs and targets joins the settings.
    """
    train, validation, test = data.split(parts, seed=None)
    digest = hashlib.sha256(data.inputs.tobytes() + data.targets.astype("<i8").tobytes())
    provenance = Provenance(
        name=name,
        source="generated",
        whole=False,
        files={},
        rows=rows,
        split="generated",
        seed=seed,
        sizes=(len(train), len(validation), len(test)),
        variant=variant,
        settings={**settings, "sha256": digest.hexdigest()},
        unit=unit,
    )
    return Splits(train, validation, test, provenance)
