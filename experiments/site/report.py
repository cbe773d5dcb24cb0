"""The report of one's own results: the pages of the site, as a folder or as one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments import study as studies
from experiments.commands.output import say, tell
from experiments.record import Record
from experiments.site import again, claims, own, run, single, study
from experiments.site.build import check, write
from experiments.site.columns import Choice
from experiments.site.figure import MOST_POINTS
from experiments.site.own import Own, OwnStory
from experiments.site.template import ASSETS, asset, render
from experiments.site.words import plain
from experiments.store import durable

ENDING = ".html"
FILE = f"report{ENDING}"
FEW_POINTS = 40
"""Points of a curve of a run in a report of one file, which is to be small."""


@dataclass(frozen=True)
class Report:
    """All pages of a report.

    Parameters
    ----------
    own
        The records.
    name
        What the report is of: the results folder.
    points
        Points of a run's curves from which on they are thinned.
    """

    own: Own
    name: str
    points: int = MOST_POINTS

    def pages(self) -> Iterator[tuple[str, str]]:
        """Write one page after the other, each with its path in the report."""
        yield from ((name, asset(name)) for name in ASSETS)
        yield "index.html", self._start()
        for story in self.own.stories:
            yield f"studies/{story.file}.html", study.page(story, _nowhere, own=self.name)
        for story in self.own.stories:
            yield from self._runs(story)

    def _start(self) -> str:
        stories = self.own.stories
        found = [claim for story in stories for claim in story.claims]
        counts = claims.counts(found)
        records = [entry.record for entry in self.own.all]
        return render(
            "report.html",
            root="",
            docs=False,
            own=self.name,
            title=f"Report of {self.name}",
            kicker="Report",
            heading=f"Runs in {self.name}",
            runs=len(records),
            statuses=sorted(Counter(record.status for record in records).items()),
            stories=stories,
            unfinished=[(e, _known(e.record)) for e in self.own.all if not e.record.finished],
            damaged=self.own.damaged,
            claims=found,
            verdicts=[Choice(3, "verdict", tuple(status for status, _ in counts))],
        )

    @cached_property
    def _commands(self) -> dict[str, str]:
        """Commands of all runs that a preset of this package lists."""
        found: dict[str, str] = {}
        for name, entries in self.own.entries.items():
            if own.is_builtin(name):
                presets = dict.fromkeys(entry.preset for entry in entries)
                hashes = {entry.name for entry in entries}
                found |= again.commands(studies.load(name), hashes, presets)
        return found

    def _runs(self, story: OwnStory) -> Iterator[tuple[str, str]]:
        for entries in story.entries.values():
            for entry in entries:
                command = self._commands.get(entry.name, "")
                text = run.page(entry, command, own=self.name, story=story.file, points=self.points)
                yield f"runs/{entry.name}.html", text


def report(results: Path, out: Path | None) -> Path:
    """Write the report of a results folder.

    Parameters
    ----------
    results
        The folder.
    out
        A file whose name ends in .html, which will hold all of it, or a folder; if None, the file
        report.html in the results folder.

    Returns
    -------
    Path
        The file to open.

    Raises
    ------
    ConfigError
        If there is no record, or the folder to write to holds something else.
    """
    target = out or results / FILE
    alone = target.suffix == ENDING
    if not alone:
        check(target)
    held = own.read(results)
    tell(f"{len(held.all)} records of {results} read, {len(held.damaged)} damaged")
    name = plain(results.absolute().name)
    pages = Report(held, name, FEW_POINTS if alone else MOST_POINTS).pages()
    if not alone:
        return write(target, pages)[0]
    durable.make_folder(target.parent)
    durable.write_text(target, single.document(dict(pages)))
    say(f"{target}: one file, {target.stat().st_size / 2**10:,.0f} KiB; open it, or send it")
    return target


def _known(held: Record) -> str:
    """Say in one line what is known of a run without a result."""
    if held.failure:
        return plain(run.failed(held)).partition("\n")[0]
    if not held.metrics:
        return "nothing was logged"
    return f"{len(held.metrics)} lines logged, the last of step {held.metrics[-1]['step']:,}"


def _nowhere(_: str) -> str:
    """Lead links of a study's tables, which are to the documentation, nowhere."""
    return ""
