"""All pages of a report in one file, which can be sent: style, script and figures stand in it.

Each page becomes a part of one document. Names of places get the name of their page in front, and
links lead to these names, so that the file asks for nothing. Without its script all pages are shown
below each other.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from posixpath import dirname, join, normpath

from markupsafe import Markup

from experiments.site.template import ASSETS, render

_PLACES = re.compile(r' (id|for|aria-labelledby|aria-describedby|data-table)="([^"]*)"')
_FRAMES = re.compile(r'clip-path="url\(#([^")]*)\)"')
_LINKS = re.compile(r' href="([^"]*)"')


@dataclass(frozen=True)
class Part:
    """A page in the document: its name, title, what stands at its head, and its content."""

    id: str
    title: str
    head: Markup
    content: Markup


def document(pages: Mapping[str, str]) -> str:
    """Join pages, the start page first, and the files that they share.

    Parameters
    ----------
    pages
        The rendered pages by their paths, and style and script among them.

    Raises
    ------
    ValueError
        If a page links to one that is not among them.
    """
    shared = {name: pages[name] for name in ASSETS}
    written = {name: text for name, text in pages.items() if name.endswith(".html")}
    parts = [_part(name, text, written) for name, text in written.items()]
    first, start = next(iter(written.items()))
    script = shared["site.js"].replace("</", "<\\/")
    return render(
        "one.html",
        title=html.unescape(_between(start, "<title>", "</title>")),
        style=Markup(shared["site.css"].replace("</", "<\\/")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        bar=_moved(_between(start, "<header>", '<p class="kicker">'), first, written),
        foot=_moved(_between(start, "<footer>", "</footer>"), first, written),
        pages=parts,
    )


def _part(name: str, text: str, pages: Collection[str]) -> Part:
    head = '<p class="kicker">' + _between(text, '<p class="kicker">', "</header>")
    return Part(
        _id(name),
        html.unescape(_between(text, "<title>", "</title>")),
        _moved(head, name, pages),
        _moved(_between(text, '<main id="content">', "</main>"), name, pages),
    )


def _between(text: str, start: str, end: str) -> str:
    """Cut a page at marks of its template, which no text of a record holds: it is escaped."""
    before, found, rest = text.partition(start)
    inner, ended, _ = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"expected {start}...{end} on the page {before[:80]!r}")
    return inner


def _moved(text: str, page: str, pages: Collection[str]) -> Markup:
    """Give the places of a page their names in the document, and lead its links there."""
    own = _id(page)

    def place(found: re.Match[str]) -> str:
        return f' {found[1]}="{" ".join(f"{own}--{name}" for name in found[2].split())}"'

    def link(found: re.Match[str]) -> str:
        target = found[1]
        if target.startswith(("data:", "https:")):
            return found[0]
        path, _, anchor = target.partition("#")
        to = normpath(join(dirname(page), path)) if path else page
        if to not in pages:
            raise ValueError(f"{page} links to {target}, which is not in the file")
        return f' href="#{_id(to)}{f"--{anchor}" if anchor else ""}"'

    text = _LINKS.sub(link, _PLACES.sub(place, text))
    return Markup(_FRAMES.sub(rf'clip-path="url(#{own}--\1)"', text))  # noqa: S704


def _id(page: str) -> str:
    return page.removesuffix(".html").replace("/", "-")
