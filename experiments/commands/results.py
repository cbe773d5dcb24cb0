"""The ``results`` command: one page per study, from the published records alone."""

from __future__ import annotations

import functools
import importlib
import tempfile
from pathlib import Path

from experiments.claim import failing
from experiments.commands import contract
from experiments.commands.loader import Loader
from experiments.commands.output import say
from experiments.report import reproduction
from experiments.report.interval import READING
from experiments.report.rows import Load
from experiments.selection import Selection
from experiments.store import durable
from experiments.study import ROOT

INTRODUCTION = "introduction.md"
"""Introduction of each study's page, written by hand: findings, failures and figures."""
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
    said = importlib.import_module(f"experiments.{name}").__doc__ or name
    title = said.strip().splitlines()[0].rstrip(".")
    make = contract.member(ROOT / name, "table", "table")
    with tempfile.TemporaryDirectory() as empty:
        loader = Loader(ROOT / name, Selection(study=name, results=Path(empty)), quiet=True)
        load = functools.cache(loader)
        text, refuted = make(load, None), _refuted(name, load)
    introduction = (ROOT / name / INTRODUCTION).read_text(encoding="utf-8").strip()
    reading = READING if refuted else _OF_RANGES
    head = _HEAD.format(
        title=title, failing=refuted, introduction=introduction, reading=reading, name=name
    )
    return head + "\n" + text.strip() + "\n"


def _refuted(name: str, load: Load) -> str:
    """List the claims of a study that its records refute; nothing for a study without claims."""
    judged = getattr(importlib.import_module(f"experiments.{name}.table"), "judged", None)
    return _FAILING.format(rows=failing(judged(load, None))) if judged else ""
