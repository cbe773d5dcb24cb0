"""Templates of the site: every text from a record is escaped, and style and script are shared.

Style and script are those of a card of the bench, with what the site adds to them.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Any

from jinja2 import Environment

from experiments.bench.report.html import environment
from experiments.site.columns import cell

_FOLDERS = (("experiments.site", "pages"), ("experiments.bench.report", "page"))
ASSETS = {"site.css": ("page.css", "site.css"), "site.js": ("page.js", "site.js")}
"""Files that all pages share, and the parts of each."""
_ALONE = {"watch.js": ("watch.js",)}


def render(template: str, **facts: Any) -> str:
    """Render a page; a fact that the template lacks is an error."""
    return _environment().get_template(template).render(cell=cell, **facts)


def asset(name: str) -> str:
    """Content of a shared file."""
    return "\n".join(_source(part) for part in (ASSETS | _ALONE)[name])


@functools.cache
def _environment() -> Environment:
    made = environment(_source)
    # What a page of the site is not: one of a report of own results, or one that asks for news.
    made.globals |= {"own": "", "live": False}
    return made


@functools.cache
def _source(name: str) -> str:
    for package, folder in _FOLDERS:
        place = files(package).joinpath(folder, name)
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise FileNotFoundError(f"no template {name}")
