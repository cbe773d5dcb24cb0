"""Notebooks of the chapters and the bench, made from their pages, which stay the one source.

::

    python docs/notebooks.py                   write them to notebooks/; one that is there is kept
    python docs/notebooks.py --lab             write them and open JupyterLab
    python docs/notebooks.py --run [NAME ...]  run each from a fresh kernel, in an empty folder

Pages are read by the reader that Sphinx runs them with, so that a notebook has the same cells.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
FOLDER = ROOT / "notebooks"
EXECUTED = DOCS / "_build" / "notebooks"
PAGES = (*sorted((DOCS / "chapters").glob("*.md")), DOCS / "bench.md")
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
TIMEOUT = 900
"""Seconds after which a cell is taken to hang: a loaded machine is many times slower."""
_MATHS = re.compile(r"^```\{math\}\n(?::label: *(\S+)\n)?(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\((?![a-z]+:)([\w./-]+\.md)(#[^)\s]*)?\)")


def name_of(page: Path) -> str:
    """Name of a page's notebook, with its folder: ``chapters/state_space``."""
    return page.relative_to(DOCS).with_suffix("").as_posix()


def notebook(page: Path) -> Any:
    """Make the notebook of a page, without outputs; one page gives the same bytes each time."""
    from myst_nb.core.read import read_myst_markdown_notebook

    made = read_myst_markdown_notebook(page.read_text(encoding="utf-8"), path=page)
    made.metadata = type(made.metadata)(kernelspec=KERNEL)
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"
        if cell.cell_type == "markdown":
            cell.source = markdown(cell.source, page)
    return made


def markdown(text: str, page: Path) -> str:
    """Turn a page's Markdown into that of notebooks: equations, their names, links to pages."""
    text = _MATHS.sub(_equation, text)
    text = re.sub(r"\{eq\}`([^`]+)`", r"(\1)", text)
    return _LINK.sub(lambda link: f"]({_target(link[1], page)}{link[2] or ''})", text)


def _equation(found: re.Match[str]) -> str:
    tag = f"\\tag{{{found[1]}}}\n" if found[1] else ""
    return f"$$\n{found[2].strip()}\n{tag}$$"


def _target(target: str, page: Path) -> str:
    """Lead a link to the notebook of a page, or to the page itself if it has none."""
    path = (page.parent / target).resolve()
    place = FOLDER / path.relative_to(DOCS).with_suffix(".ipynb") if path in PAGES else path
    return Path(os.path.relpath(place, (FOLDER / name_of(page)).parent)).as_posix()


def write() -> None:
    """Write the notebooks; one that is there may have been edited, and is kept."""
    import nbformat

    for page in PAGES:
        path = FOLDER / f"{name_of(page)}.ipynb"
        if path.exists():
            print(f"{path} is there and kept; remove it to have it anew")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook(page), path)
        print(path)


def run(names: list[str]) -> int:
    """Run notebooks from a fresh kernel each, keep them with their outputs, and count failures."""
    known = {name_of(page): page for page in PAGES}
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"no notebook {unknown[0]!r}; expected one of {', '.join(known)}")
    return sum(not _runs(name, known[name]) for name in names or known)


def _runs(name: str, page: Path) -> bool:
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    made, failure = notebook(page), ""
    start, before = time.monotonic(), _of_processors()
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        client = NotebookClient(made, timeout=TIMEOUT, kernel_name="python3", resources=place)
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            failure = str(error)
    path = EXECUTED / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(made, path)
    took = f"{time.monotonic() - start:.0f} s, {_of_processors() - before:.0f} s of processors"
    print(f"{name}: {took}, {f'failed: {failure}' if failure else 'done'}", flush=True)
    return not failure


def _of_processors() -> float:
    """Seconds of all processors that kernels which have ended took, with what they started."""
    spent = os.times()
    return spent.children_user + spent.children_system


def lab(options: list[str]) -> int:
    """Open JupyterLab at the notebooks."""
    opened = f"--LabApp.default_url=/lab/tree/{FOLDER.name}/{name_of(PAGES[-1])}.ipynb"
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", opened]
    return subprocess.run([*command, *options], check=False).returncode


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description="Notebooks of the chapters and the bench.")
    parser.add_argument("--run", nargs="*", metavar="NAME", help="run these, or all, anew")
    parser.add_argument("--lab", action="store_true", help="open JupyterLab; its options follow")
    asked, others = parser.parse_known_args()
    if others and not asked.lab:
        parser.error(f"unknown option {others[0]!r}")
    if asked.run is not None:
        return int(run(asked.run) > 0)
    write()
    return lab(others) if asked.lab else 0


if __name__ == "__main__":
    sys.exit(main())
