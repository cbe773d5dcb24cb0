"""The ``results`` command: one page per study, from the published records alone."""

from __future__ import annotations

import functools
import importlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.claim import Judged, failing
from experiments.commands import contract
from experiments.commands.loader import Loader
from experiments.commands.output import say
from experiments.report import reproduction, style
from experiments.report.interval import READING
from experiments.report.rows import Load
from experiments.selection import Selection
from experiments.store import durable
from experiments.study import ROOT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INTRODUCTION = "introduction.md"
"""Introduction of each study's page: findings, failures and figures."""
_HEAD = """\
# {title}

{failing}{introduction}

The tables are made by `python -m experiments results` from the published records alone: preset,
seeds and hardware stand beside the numbers. {reading} \
`python -m experiments table {name}` prints these tables from your own records.
"""
_OF_RANGES = "Numbers in brackets are the least and the most of the\nseeds or draws."
_FAILING = "**Claims that fail**, and why, as far as these records show:\n\n{rows}\n\n"


def write(folder: Path) -> list[Path]:
    """Write the page of every study of this package, and the page of reproduction, to `folder`."""
    durable.make_folder(folder)
    paths = []
    for name in names():
        paths.append(folder / f"{name}.md")
        durable.write_text(paths[-1], page(name))
        say(str(paths[-1]))
    return paths


def names() -> list[str]:
    """Names of the pages."""
    return [*study_folders(), "reproduction"]


def study_folders() -> list[str]:
    """Names of the study folders of this package that print a table."""
    return sorted(path.parent.name for path in ROOT.glob("*/table.py"))


def page(name: str) -> str:
    """Make a page: title, introduction and tables of a study, or the page of reproduction."""
    if name == "reproduction":
        return reproduction.page()
    load = records_of(name)
    found = judged(name, load)
    head = _HEAD.format(
        title=title(name),
        failing=_FAILING.format(rows=failing(found)) if found else "",
        introduction=introduction(name, load),
        reading=READING if found else _OF_RANGES,
        name=name,
    )
    return head + "\n" + tables(name, load).strip() + "\n"


def title(name: str) -> str:
    """Title of a study's page: the first line of its folder's docstring."""
    said = importlib.import_module(f"experiments.{name}").__doc__ or name
    return said.strip().splitlines()[0].rstrip(".")


def introduction(name: str, load: Load) -> str:
    """Introduction of a study's page, in Markdown: written by hand, figures read from records.

    A comment ``<!-- made: NAME -->`` stands for the paragraph of that name among those that
    ``paragraphs(load, preset)`` of the study's ``table.py`` makes, where it is defined.
    """
    text = (ROOT / name / INTRODUCTION).read_text(encoding="utf-8").strip()
    make = getattr(importlib.import_module(f"experiments.{name}.table"), "paragraphs", None)
    for place, said in (make(load, None) if make else {}).items():
        text = text.replace(f"<!-- made: {place} -->", said)
    return text


def tables(name: str, load: Load, preset: str | None = None) -> str:
    """Tables and claims of a study in Markdown."""
    return contract.member(ROOT / name, "table", "table")(load, preset)


def judged(name: str, load: Load, preset: str | None = None) -> list[Judged]:
    """Claims of a study, each with the records that it is about; none of some studies."""
    find = getattr(importlib.import_module(f"experiments.{name}.table"), "judged", None)
    return find(load, preset) if find else []


def figures(name: str, load: Load, preset: str | None = None) -> dict[str, Figure]:
    """Figures of a study by their names; nothing is written."""
    draw = contract.member(ROOT / name, "figure", "draw")
    with tempfile.TemporaryDirectory() as empty, style.collected() as found:
        draw(load, preset, Path(empty))
    return found


def records_of(name: str) -> Load:
    """Give the function that finds a study's published records alone, each preset once."""
    nowhere = ROOT / name / "no results"
    return functools.cache(Loader(ROOT / name, Selection(study=name, results=nowhere), quiet=True))
