"""The ``plot`` and ``table`` commands: from records alone, with no framework installed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from experiments import frame
from experiments import study as studies
from experiments.arguments import Fields
from experiments.commands.contract import member
from experiments.commands.loader import prepared
from experiments.commands.output import say, tell
from experiments.exit_code import ConfigError
from experiments.record import Record
from experiments.report import style, tables
from experiments.report.pivot import pivot
from experiments.report.rows import joined
from experiments.selection import Selection
from experiments.store import durable


@dataclass(frozen=True, kw_only=True)
class Drawing(Selection):
    """Options of the plot command: which records, and the size of the figures."""

    width: float | None = None
    """Width of the figures in inches, such as 3.25 for one column of a paper. Panels that would be
    too narrow are placed below each other."""
    font_size: float | None = None
    """Size of the text in points."""


@dataclass(frozen=True, kw_only=True)
class Layout(Selection):
    """Options of the table command: which records, and the form of the table."""

    format: tables.Format = "markdown"
    """Markdown, LaTeX with the rules of booktabs, or CSV."""
    rows: Fields = ()
    """Fields, such as model,depth, whose values name the rows of a table of one number."""
    columns: Fields = ()
    """Fields whose values name the columns."""
    value: str = ""
    """Field of the number, such as metrics.token_accuracy; its mean and interval over seeds."""


def plot(drawing: Drawing) -> list[Path]:
    """Draw a study's figures into its results folder and return their paths."""
    os.environ["MPLBACKEND"] = "agg"  # figures are written to files, never shown in windows
    page = style.Page(drawing.width, drawing.font_size)
    folder, preset, loader = prepared(drawing)
    target = _target(drawing, folder)
    tell(f"drawing the figures of {folder.name} into {target}")
    draw = member(folder, "figure", "draw")
    with style.page(page):
        paths = draw(loader, preset, target)
    for path in paths:
        say(str(path))
    return paths


def table(layout: Layout) -> None:
    """Print a study's own table, and keep it beside the figures; or a pivot table of its records.

    Raises
    ------
    ConfigError
        If there are no records, or the layout names unknown fields.
    """
    if layout.rows or layout.columns or layout.value:
        say(_pivot(layout).written(layout.format))
        return
    folder, preset, loader = prepared(layout)
    make = member(folder, "table", "table")
    text = tables.converted(make(loader, preset), layout.format)
    path = _target(layout, folder) / f"table.{tables.ENDINGS[layout.format]}"
    durable.write_text(path, text)
    say(text)
    tell(str(path))


def records(selection: Selection) -> list[Record]:
    """Find the records of a selection, in all halves of its study that have the preset.

    Raises
    ------
    ConfigError
        If there is none.
    """
    folder, preset, loader = prepared(selection)
    files = [path.stem for path in studies.siblings(folder)]
    halves = [name for name in files if loader.named in (None, name)]
    return joined(loader, ((preset, name) for name in halves if loader.has(name, preset)))


def export(selection: Selection, form: frame.Format, to: Path | None) -> None:
    """Write the records of a selection as a flat table: CSV to standard output, or a file."""
    rows = frame.table(records(selection))
    path = to or (None if form == "csv" else selection.folder / f"{selection.study}.{form}")
    if path is None:
        say(frame.written(rows, form).decode().rstrip())
        return
    durable.make_folder(path.expanduser().absolute().parent)
    durable.write_bytes(path.expanduser().absolute(), frame.written(rows, form))
    tell(f"{path}: {len(rows)} runs, {len(rows[0])} columns")


def _pivot(layout: Layout) -> tables.Table:
    if not (layout.rows and layout.value):
        raise ConfigError("--rows, --columns and --value: give at least --rows and --value")
    return pivot(frame.table(records(layout)), layout.rows, layout.columns, layout.value)


def _target(selection: Selection, folder: Path) -> Path:
    """Make the folder of the study's figures and tables, named as the study's own folder is."""
    target = selection.folder / folder.name
    try:
        durable.make_folder(target)
    except durable.WriteError as error:
        raise ConfigError(f"{error}; choose with --results") from error
    return target
