"""The committed records are whole, and the README's tables are drawn from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.drawing import PUBLISHED
from experiments.record import Record, find
from experiments.toy import figure, linear_cde, table

ROOT = PUBLISHED.parent.parent
RECORDS = sorted(path.parent for path in PUBLISHED.glob("*/*/DONE"))


def published(preset: str, model_file: str = "linear_cde") -> list[Record]:
    runs = linear_cde.runs(preset)
    return find(f"toy.{model_file}", linear_cde.VERSION, runs, [PUBLISHED])


@pytest.mark.parametrize("path", RECORDS, ids=[path.name for path in RECORDS])
def test_a_published_record_is_whole(path: Path) -> None:
    record = Record.open(path)  # checks every file against its digest
    assert record.finished
    assert record.metrics
    assert not (path / "checkpoints").exists()


@pytest.mark.parametrize("preset", ["paper", "controls"])
def test_every_run_of_the_preset_is_published(preset: str) -> None:
    assert [record.status for record in published(preset)] == ["done"] * len(
        linear_cde.runs(preset)
    )


def test_the_readme_shows_the_table_of_the_published_records() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    sections = table.table(published, "paper").split("## ")[1:]
    for section in (sections[0], sections[1], sections[3]):
        assert section.partition("\n\n")[2].strip() in text


def test_the_figure_can_be_drawn_from_the_published_records(tmp_path: Path) -> None:
    assert all(path.is_file() for path in figure.draw(published, "paper", tmp_path))
