"""The site as a folder of files: every record is read once, every page is written from it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from experiments import study as studies
from experiments.commands import results
from experiments.commands.output import say, tell
from experiments.exit_code import ConfigError
from experiments.report import reproduction
from experiments.site import (
    again,
    checkpoint,
    follows,
    front,
    model,
    prose,
    published,
    run,
    study,
)
from experiments.site.follows import Line
from experiments.site.model import Shelf
from experiments.site.published import Published
from experiments.site.study import Story
from experiments.site.template import ASSETS, asset, render
from experiments.store import durable
from experiments.zoo import MODELS

NEW = studies.ROOT.parent / "docs" / "new.md"
MARK = "index.html"


@dataclass(frozen=True)
class Site:
    """All pages of the site.

    Parameters
    ----------
    held
        The published records.
    docs
        Whether the documentation stands beside the pages, in the folder `docs`.
    """

    held: Published
    docs: bool = False

    @cached_property
    def stories(self) -> list[Story]:
        """The studies that have records."""
        found = [Story(name, self.held.of(name)) for name in results.study_folders()]
        return [story for story in found if story.entries]

    @cached_property
    def shelf(self) -> Shelf:
        """The cards of the bench."""
        return Shelf(self.held.entries.get("bench.measurements", ()))

    @cached_property
    def followed(self) -> list[Line]:
        """How long each model follows each task, where the study of it has records."""
        found = [story for story in self.stories if story.name == "tracking"]
        return follows.lines(found[0].load) if found else []

    def pages(self) -> Iterator[tuple[str, str]]:
        """Write one page after the other, each with its path on the site."""
        yield from ((name, asset(name)) for name in ASSETS)
        held = checkpoint.cards()
        yield (
            MARK,
            front.page(
                self.stories,
                self.shelf,
                self.held,
                self.followed,
                docs=self.docs,
                checkpoints=len(held),
            ),
        )
        if self.followed:
            yield follows.FILE, follows.page(self.followed, docs=self.docs)
        for story in self.stories:
            yield (
                f"studies/{story.name}.html",
                study.page(story, self._link("studies"), docs=self.docs),
            )
        yield "new.html", self._text("What is new here", NEW.read_text(encoding="utf-8"))
        yield "reproduction.html", self._text("Published records run again", reproduction.page())
        known = {entry.name for entry in self.held.all}
        for each in MODELS:
            for name, text in model.pages(each, self.shelf, known, docs=self.docs).items():
                yield f"models/{name}", text
        yield from checkpoint.pages(held, known, docs=self.docs).items()
        yield from self._runs()

    def _runs(self) -> Iterator[tuple[str, str]]:
        for name, entries in self.held.entries.items():
            presets = dict.fromkeys(entry.preset for entry in entries)
            hashes = {entry.name for entry in entries}
            told = again.commands(studies.load(name), hashes, presets)
            for entry in entries:
                attested = self.held.attested.get(entry.name, [])
                text = run.page(entry, told.get(entry.name, ""), attested, docs=self.docs)
                yield f"runs/{entry.name}.html", text

    def _text(self, title: str, text: str) -> str:
        """Write a page of prose, whose own title goes to its head."""
        head, _, rest = text.partition("\n")
        heading = head.removeprefix("# ") if head.startswith("# ") else title
        body = rest if head.startswith("# ") else text
        return render(
            "text.html",
            root="",
            docs=self.docs,
            title=f"{title} · seqtheory",
            kicker="seqtheory",
            heading=heading,
            text=prose.html(body, self._link("")),
        )

    def _link(self, folder: str) -> prose.Link:
        """Give the function that leads links of the documentation to where they are here."""
        known = {story.name for story in self.stories} | {"reproduction"}

        root = "../" if folder else ""

        def link(target: str) -> str:
            if "://" in target or target.startswith("#"):
                return target
            path, hash_, anchor = target.partition("#")
            place = posixpath.normpath(posixpath.join("results" if folder else "", path))
            stem = posixpath.basename(place).removesuffix(".md")
            if place.startswith("results/") and stem in known:
                inner = "" if stem == "reproduction" else "studies/"
                return f"{root}{inner}{stem}.html{hash_}{anchor}"
            if place == "results/index.md":
                return f"{root}{MARK}#studies"
            return f"{root}docs/{place[:-3]}.html{hash_}{anchor}" if self._in_docs(place) else ""

        return link

    def _in_docs(self, place: str) -> bool:
        return self.docs and place.endswith(".md") and (NEW.parent / place).is_file()


def build(out: Path) -> list[Path]:
    """Build the site.

    Parameters
    ----------
    out
        Folder to write to; pages of an earlier site in it are written over. The pages lead to a
        documentation in its folder `docs`, if there is one.

    Returns
    -------
    Paths of the files, the start page first.

    Raises
    ------
    ConfigError
        If the folder holds something else, or there are no published records.
    """
    check(out)
    site = Site(published.read(), docs=(out / "docs" / "index.html").is_file())
    tell(f"{len(site.held.all)} published records read")
    return write(out, site.pages())


def write(out: Path, pages: Iterable[tuple[str, str]]) -> list[Path]:
    """Write pages to a folder and return their paths, the start page first."""
    paths = []
    for name, text in pages:
        path = out / name
        durable.make_folder(path.parent)
        durable.write_text(path, text)
        paths.append(path)
    size = sum(path.stat().st_size for path in paths)
    say(f"{out / MARK}: {len(paths)} files, {size / 2**20:.0f} MiB; open it, no server needed")
    return sorted(paths, key=lambda path: path.name != MARK)


def check(out: Path) -> None:
    """Refuse a folder that holds files and no site.

    Raises
    ------
    ConfigError
        If it does.
    """
    try:
        held = [path.name for path in out.iterdir() if path.name != "docs"]
    except (FileNotFoundError, NotADirectoryError):
        held = []
    if held and not (out / "site.css").is_file():
        raise ConfigError(f"--out {out}: it holds {held[0]} and no site; give an empty folder")
