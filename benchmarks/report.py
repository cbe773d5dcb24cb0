"""Tables of measurements, as plain text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import MEBIBYTE, Measurement, Spread

HEADER = (
    "contender",
    "version",
    "type",
    "threads",
    "seconds",
    "CPU s",
    "time / ours",
    "peak MiB",
    "by the call",
)


def show(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print one table."""
    table = Table(title=title, title_justify="left")
    for column, name in enumerate(header):
        table.add_column(name, justify="right" if column > 2 else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    # A file or pipe has no width: wide enough there that no row is folded.
    console = Console()
    (console if console.is_terminal else Console(width=160)).print(table)


def show_comparison(title: str, measurements: Sequence[Measurement]) -> None:
    """Print contenders beside the first, which is ours."""
    ours = measurements[0]
    rows = [_cells(measurement, ours) for measurement in measurements]
    show(title, HEADER, rows)


def _cells(measurement: Measurement, ours: Measurement) -> list[str]:
    facts = measurement.facts
    seconds = Spread.of(measurement.seconds).text()
    if measurement.scale != 1:
        seconds += f", scaled x{measurement.scale:g}"
    ratio = "1" if measurement is ours else measurement.ratio_to(ours).text()
    memory = [f"{value / MEBIBYTE:.0f}" for value in (measurement.peak, measurement.extra)]
    named = (facts["version"], facts["dtype"], str(facts["threads"]))
    cpu = f"{Spread.of(measurement.cpu_seconds).median:.3g}"
    return [measurement.label, *named, seconds, cpu, ratio, *memory]


def rows(title: str, measurements: Sequence[Measurement]) -> list[dict[str, Any]]:
    """Measurements as plain values; the first is ours."""
    ours = measurements[0]
    return [
        asdict(measurement)
        | {
            "table": title,
            "seconds_spread": asdict(Spread.of(measurement.seconds)),
            "ratio": asdict(measurement.ratio_to(ours)),
        }
        for measurement in measurements
    ]
