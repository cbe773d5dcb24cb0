"""Markdown as HTML: no markup of its own passes, headings get anchors, links lead to the site."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from experiments.site.equation import mathml
from experiments.site.words import slug

Link = Callable[[str], str]
"""Function that gives a link's place on the site; empty where it leads nowhere."""


def html(text: str, link: Link, *, lower: int = 0) -> Markup:
    """Convert Markdown; headings become lower by so many levels, images are left out."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(_without_images(text))
    heading = ""
    for place, token in enumerate(tokens):
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(int(token.tag[1]) + lower, 6)}"
        if token.type == "heading_open":
            heading = tokens[place + 1].content
            token.attrSet("id", slug(heading))
        if token.type == "table_open":
            token.attrSet("aria-label", heading or "numbers")
        if token.children:
            token.children = _linked(token.children, link)
    made = parser.renderer.render(tokens, parser.options, {})
    made = made.replace("<table ", '<div class="wide" tabindex="0"><table ')
    made = re.sub(r"&lt;sup&gt;([a-z]+)&lt;/sup&gt;", r"<sup>\1</sup>", made)  # marks of notes
    return Markup(_equations(made.replace("</table>", "</table></div>")))  # noqa: S704


def _without_images(text: str) -> str:
    return re.sub(r"^!\[[^\]]*\]\([^)]*\)\s*$", "", text, flags=re.MULTILINE)


def _linked(tokens: list[Token], link: Link) -> list[Token]:
    """Lead links to where they are on the site; of a link to nowhere the text stays."""
    kept: list[Token] = []
    dropped = 0
    for token in tokens:
        if token.type == "link_open":
            target: Any = link(str(token.attrGet("href")))
            token.attrSet("href", target)
            dropped += not target
            if not target:
                continue
        if token.type == "link_close" and dropped:
            dropped -= 1
            continue
        kept.append(token)
    return kept


def _equations(made: str) -> str:
    """Set ``$...$`` outside of code."""
    parts = re.split(r"(<code>.*?</code>|<pre>.*?</pre>)", made, flags=re.DOTALL)
    return "".join(
        part if k % 2 else re.sub(r"\$([^$\s][^$]*)\$", lambda found: _equation(found[1]), part)
        for k, part in enumerate(parts)
    )


def _equation(source: str) -> str:
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        source = source.replace(entity, sign)
    try:
        return str(mathml(source))
    except ValueError:  # no mathematics, but a text with two dollars
        return str(escape(f"${source}$"))
