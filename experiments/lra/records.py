"""Records of the study: those of a preset, and of the presets that are shown beside it."""

from __future__ import annotations

from experiments.lra import s4_jax, sequence_models
from experiments.record import Record
from experiments.report.rows import Load, joined

HALVES = {"sequence_models": sequence_models, "s4_jax": s4_jax}
ALONE = ("smoke", "paper")
"""Presets beside which no other is shown."""
BESIDE = ("rates", "steps", "images", "reviews", "drawn-images", "drawn-reviews")
"""Presets that are shown beside `quick`, which stands beside them as well."""


def records(load: Load, preset: str | None) -> list[Record]:
    """Load both halves of a preset and of those beside it, each run once."""
    main = None if preset in BESIDE else preset
    parts = [
        (name, file)
        for file, study in HALVES.items()
        for name in ((main,) if main in ALONE else (main, *BESIDE))
        if name is None or name in study.PRESETS
    ]
    return joined(load, parts)
