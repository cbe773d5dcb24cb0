"""README is short, committed pages name no machine's paths, and their numbers are on record."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
README = ROOT / "README.md"
LARGEST = 12_288
PAGES = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "packages").glob("*/README.md"),
    *(ROOT / "experiments").glob("*/introduction.md"),
]
ABSOLUTE = re.compile(r"(?<![\w.~/-])/(?:home|root|work|tmp|Users)\b|\b[A-Z]:\\\w")
LINK = re.compile(r"\]\((?!https?:)([\w-]*[./][\w./-]*)(?:#[^)]*)?\)")
NUMBER = re.compile(r"(?<![\w.:/])\d+\.\d+(?![\w./]|-\d)")


def test_the_readme_fits_on_a_few_screens() -> None:
    size = README.stat().st_size
    assert size <= LARGEST, f"README.md: {size:,} bytes, expected at most {LARGEST:,}; move a part"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_names_a_path_of_one_machine(page: Path) -> None:
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        found = ABSOLUTE.search(line)
        assert not found, (
            f"{page.relative_to(ROOT)}:{number}: {found.group()} is a path of one machine, which "
            "readers have not; name a path inside the repository, or a placeholder like FOLDER"
        )


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("/tmp/empty/a5/table.md", True),
        ("saved in `/home/me/records`", True),
        (r"C:\data", True),
        ("see docs/tmp and https://a.b/work/c", False),
        ("{ab}: \\beta at 2: \\alpha", False),
    ],
)
def test_a_path_of_one_machine_is_recognised(line: str, refused: bool) -> None:
    assert bool(ABSOLUTE.search(line)) == refused


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path) -> None:
    base = RESULTS if page.name == "introduction.md" else page.parent  # where it is shown
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (base / target).exists() or (base / f"{target}.md").exists(), target


@pytest.mark.parametrize("name", ["README.md", "docs/new.md"])
def test_measured_numbers_stand_on_a_page_of_results(name: str) -> None:
    shown = "\n".join(path.read_text(encoding="utf-8") for path in RESULTS.glob("*.md"))
    text = (ROOT / name).read_text(encoding="utf-8")
    if name == "README.md":
        text = text.partition("## Studies")[2].partition("## The tree")[0]
    numbers = NUMBER.findall(text)
    assert len(numbers) > 5
    missing = [number for number in numbers if not re.search(rf"(?<![\d.]){number}(?!\d)", shown)]
    assert not missing, f"{name}: not on a page of docs/results: {', '.join(missing)}"


def test_every_study_has_a_line_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    pages = {path.stem for path in RESULTS.glob("*.md")} - {"index"}
    assert {name for name in pages if f"(docs/results/{name}.md)" in text} == pages
