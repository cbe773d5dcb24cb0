"""Notebooks have the text of their pages in the Markdown that notebooks understand."""

from __future__ import annotations

import importlib.util
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def notebooks() -> Any:
    """The script that makes them, which needs no package of the documentation before it reads."""
    spec = importlib.util.spec_from_file_location("notebooks_of_docs", DOCS / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_chapter_and_the_bench_has_one(notebooks: Any) -> None:
    names = {notebooks.name_of(page) for page in notebooks.PAGES}
    assert names == {f"chapters/{page.stem}" for page in DOCS.glob("chapters/*.md")} | {"bench"}


def test_equations_and_links_are_those_of_notebooks(notebooks: Any) -> None:
    text = """\
```{math}
:label: words

y = S^{w}
```
By {eq}`words`, see [one](state_space.md), [two](../results/a5.md#claims), [three](https://a.b/c.md),
[four](#there) and $[S_t](t)$.

```{math}
x \\\\
z
```
"""
    page = DOCS / "chapters" / "random_features.md"
    assert (
        notebooks.markdown(text, page)
        == """\
$$
y = S^{w}
\\tag{words}
$$
By (words), see [one](state_space.ipynb), [two](../../docs/results/a5.md#claims), [three](https://a.b/c.md),
[four](#there) and $[S_t](t)$.

$$
x \\\\
z
$$
"""
    )


def test_no_page_has_markup_that_a_notebook_would_show(notebooks: Any) -> None:
    for page in notebooks.PAGES:
        text = notebooks.markdown(page.read_text(encoding="utf-8"), page)
        prose = re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        assert not re.search(r"^(```|:::)\{|^\(.+\)=$|(?:^|\s)\{\w+\}`", prose, re.MULTILINE), page
        folder = (notebooks.FOLDER / notebooks.name_of(page)).parent
        for target in re.findall(r"\]\(([\w./-]+\.md)", prose):
            assert (folder / target).resolve().is_file(), target


def test_the_command_that_opens_them_is_one_that_the_script_takes() -> None:
    text = (DOCS / "running.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (uv run .*docs/notebooks\.py.*)$", text, re.MULTILINE)
    words = shlex.split(command)
    assert words[words.index("--with") + 1] == "jupyterlab"
    assert words[-2:] == ["docs/notebooks.py", "--lab"]


def test_an_unknown_name_or_option_is_refused(
    notebooks: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="no notebook 'benhc'; expected one of chapters/"):
        notebooks.run(["benhc"])
    monkeypatch.setattr(sys, "argv", ["notebooks.py", "--execute"])
    with pytest.raises(SystemExit):
        notebooks.main()
    assert "unknown option '--execute'" in capsys.readouterr().err
