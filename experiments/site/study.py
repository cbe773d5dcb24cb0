"""The page of a study: its story, figures, claims, tables, and a table of all its runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from experiments.commands import results
from experiments.report.rows import Load
from experiments.site import claims, columns, figure, plot, prose
from experiments.site.claims import Judged
from experiments.site.columns import Choice, Column
from experiments.site.plot import Drawing
from experiments.site.published import Entry
from experiments.site.template import render
from experiments.site.words import plain, slug

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class File:
    """A study file and its runs, as the page shows them."""

    name: str
    entries: Sequence[Entry]

    @property
    def id(self) -> str:
        """Name of its places on the page."""
        return slug(self.name)

    @cached_property
    def columns(self) -> list[Column]:
        """Columns of the table of its runs."""
        return columns.columns(self.entries)

    @cached_property
    def choices(self) -> list[Choice]:
        """Filters of that table."""
        return columns.choices(self.entries, self.columns)


@dataclass(frozen=True)
class Story:
    """A study folder: what it prints, and its runs by file."""

    name: str
    entries: Mapping[str, Sequence[Entry]]

    @property
    def file(self) -> str:
        """Name of its page, without the ending."""
        return self.name

    @cached_property
    def title(self) -> str:
        """Title of the study."""
        return results.title(self.name)

    @cached_property
    def introduction(self) -> str:
        """What was asked and what came out, in Markdown."""
        return results.introduction(self.name, self.load)

    @cached_property
    def load(self) -> Load:
        """Function that finds the records of a preset."""
        return results.records_of(self.name)

    @cached_property
    def tables(self) -> str:
        """Tables and claims, in Markdown."""
        return results.tables(self.name, self.load)

    @cached_property
    def claims(self) -> list[Judged]:
        """Claims with their verdicts."""
        return claims.judged(self.file, results.judged(self.name, self.load))

    @cached_property
    def figures(self) -> list[Drawing]:
        """Its figures, as they are drawn for paper."""
        return drawings(results.figures(self.name, self.load))

    @property
    def lacking(self) -> list[str]:
        """What could not be made of its records, and why."""
        return []

    @property
    def counts(self) -> list[tuple[str, int]]:
        """Number of claims of each verdict."""
        return claims.counts(self.claims)

    @property
    def runs(self) -> int:
        """Number of runs."""
        return sum(map(len, self.entries.values()))

    @property
    def summary(self) -> str:
        """First paragraph of the introduction, as plain text."""
        first = self.introduction.partition("\n\n")[0].replace("\n", " ")
        return plain(re.sub(r"\[([^\]]*)\]\([^)]*\)|[*`]", r"\1", first))


def drawings(figures: Mapping[str, Figure]) -> list[Drawing]:
    """Read figures, and leave out those of which a page can show nothing."""
    drawn = [plot.drawn(name, figure.read(each)) for name, each in figures.items()]
    return [shown for shown in drawn if shown.plots or shown.grids]


def page(story: Story, link: prose.Link, *, docs: bool = False, own: str = "") -> str:
    """Write the page of a study; `own` names the results folder of a report of one's own."""
    return render(
        "study.html",
        root="../",
        docs=docs,
        own=own,
        title=f"{story.title} · seqtheory",
        kicker=f"Study {story.name}",
        heading=story.title,
        runs=story.runs,
        counts=story.counts,
        summary=story.summary,
        introduction=prose.html(story.introduction, link, lower=2),
        figures=story.figures,
        claims=story.claims,
        tables=prose.html(claims.others(story.tables), link, lower=1),
        files=[File(name, held) for name, held in story.entries.items()],
        lacking=story.lacking,
    )
