"""Records as Parquet and as data frames, which need packages that this room's environment has."""

from __future__ import annotations

import io
from typing import Any

import pytest

import experiments
from experiments.frame import Library, Rows, written

FIELDS = ("hash", "seed", "model", "form", "metrics.token_accuracy", "provenance.threads")


@pytest.fixture(scope="module")
def rows() -> Rows:
    return experiments.load("a5", only={"length": 3}, provenance=True)


def test_a_parquet_file_holds_what_the_rows_hold(rows: Rows) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(written(rows, "parquet")))
    assert table.column_names == list(rows[0])
    for name in FIELDS:
        assert table.column(name).to_pylist() == [row[name] for row in rows]


def held(frame: Any, name: str) -> list[Any]:
    """Values of a column; what pandas holds in place of None is not equal to itself."""
    values = frame[name].to_list()
    return [None if value is None or value != value else value for value in values]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_holds_what_the_rows_hold(rows: Rows, library: Library) -> None:
    frame = rows.to_frame(library)
    assert type(frame).__module__.partition(".")[0] == library
    assert frame.shape == (len(rows), len(rows[0]))
    for name in FIELDS:
        assert held(frame, name) == [row[name] for row in rows]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_frame_takes_values_of_several_types(library: Library) -> None:
    name = '<b>a, "b"</b>\r\n'
    rows = Rows([{name: 1, "mixed": "x", "none": None}, {name: 0.5, "mixed": 2, "none": None}])
    frame = rows.to_frame(library)
    assert held(frame, name) == [1.0, 0.5]
    assert held(frame, "mixed") == ["x", "2"]
    assert held(frame, "none") == [None, None]
