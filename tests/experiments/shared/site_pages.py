"""Pages of a site taken apart: links, names of places, tables, and what a reader would miss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from posixpath import dirname, join, normpath

VOID = {"meta", "link", "input", "br", "hr", "img", "circle", "line", "polyline", "polygon", "rect"}


@dataclass
class Parsed(HTMLParser):
    """What stands on a page."""

    text: str
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, said in attrs:
            value = said or ""
            self.attributes.append((tag, name, value))
            if name in ("href", "src"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)
            if name in ("aria-labelledby", "aria-describedby", "for"):
                self.references += value.split()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not self.open or self.open[-1] != tag:
            self.unclosed.append(f"{tag} in {self.open[-3:]}")
        while self.open and self.open.pop() != tag:
            pass


def broken(pages: Mapping[str, str], folder: str = "") -> Iterator[str]:
    """Every link, label and place that leads nowhere, every id that stands twice, in HTML pages."""
    parsed = {name: Parsed(text) for name, text in pages.items() if name.endswith(".html")}
    for name, page in parsed.items():
        ids = set(page.ids)
        if len(ids) < len(page.ids):
            twice = {each for each in ids if page.ids.count(each) > 1}
            yield f"{name}: {sorted(twice)[:3]} stand twice"
        yield from (f"{name}: no place {each}" for each in page.references if each not in ids)
        yield from (f"{name}: {each}" for each in page.unclosed)
        for link in page.links:
            if link.startswith(("data:", "https://")):
                continue
            path, _, anchor = link.partition("#")
            target = normpath(join(dirname(name), path)) if path else name
            if target.startswith(f"{folder}docs/"):
                continue
            if target not in pages:
                yield f"{name}: no page {link}"
            elif anchor and anchor not in parsed[target].ids:
                yield f"{name}: no place {link}"
