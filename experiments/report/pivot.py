"""A pivot table of records: one metric by fields of the runs, averaged over seeds only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.exit_code import ConfigError
from experiments.frame import Row, setting_names
from experiments.report.interval import estimate
from experiments.report.tables import Table
from experiments.study import unknown


def pivot(found: Sequence[Row], rows: Sequence[str], columns: Sequence[str], value: str) -> Table:
    """Arrange the values of one column by those of other columns.

    Parameters
    ----------
    found
        Rows as `experiments.load` gives them.
    rows, columns
        Fields whose values name the rows and the columns. Without `columns` the table has one
        column.
    value
        Field of the numbers. Each cell has their mean with its interval, and the number of runs
        (`experiments.report.interval`). Runs that differ in more than their seed never share one.

    Raises
    ------
    ConfigError
        If a field is unknown or holds no numbers, or runs of one cell differ in further fields,
        which the message names.
    """
    for name in (*rows, *columns, value):
        _require(found, name)
    cells: dict[tuple[Any, ...], dict[tuple[Any, ...], list[Row]]] = {}
    for row in found:
        place = cells.setdefault(tuple(row[name] for name in rows), {})
        place.setdefault(tuple(row[name] for name in columns), []).append(row)
    heads = list(dict.fromkeys(head for place in cells.values() for head in place))
    names = [_said(columns, head) or value for head in heads]
    body = [
        [*map(_text, key), *(_cell(place.get(head, []), value) for head in heads)]
        for key, place in cells.items()
    ]
    return Table([*rows, *names], body)


def require_seeds_alone(found: Sequence[Row]) -> None:
    """Raise unless these rows differ only in their seed.

    Raises
    ------
    ConfigError
        If they differ in other fields; the message names these and their values.
    """
    differing = {
        name: values
        for name in ("study", *setting_names(found))
        if name != "seed" and len(values := _values(found, name)) > 1
    }
    if differing:
        said = "; ".join(f"{n} = {', '.join(v[:4])}" for n, v in list(differing.items())[:3])
        raise ConfigError(
            f"{len(found)} runs of one cell differ in more than their seed: {said}; give these "
            "fields to --rows or --columns, or choose one value by --only"
        )


def _values(found: Sequence[Row], name: str) -> list[str]:
    return list(dict.fromkeys(_text(row[name]) for row in found))


def _require(found: Sequence[Row], name: str) -> None:
    known = [column for column in found[0] if column != "hash"] if found else []
    if name not in known:
        raise ConfigError(unknown("field", name, known))


def _cell(found: Sequence[Row], value: str) -> str:
    if not found:
        return ""
    require_seeds_alone(found)
    numbers = [row[value] for row in found if row[value] is not None]
    if not numbers:
        return "none"
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        raise ConfigError(f"--value {value}: got {_text(numbers[0])}, expected a field of numbers")
    return estimate(numbers)


def _said(names: Sequence[str], head: Sequence[Any]) -> str:
    """Name a column by its values, with the field's name before numbers."""
    named = zip(names, head, strict=True)
    return ", ".join(value if isinstance(value, str) else f"{n} {value}" for n, value in named)


def _text(value: Any) -> str:
    return str(value)
