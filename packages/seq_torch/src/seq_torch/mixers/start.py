"""From which distribution parameters are drawn: one switch for every mixer that has it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from seqtheory._settings import require_choice

Start: TypeAlias = Literal["own", "published"]


def check_start(value: object) -> None:
    """Raise unless `value` is "own", a start as documented, or "published", the cited code's."""
    require_choice("start", value, ("own", "published"))  # type: ignore[arg-type]
