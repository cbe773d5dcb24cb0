"""Claims that fail come first, with the reason, in tables and on pages of results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from experiments.claim import NOT_UNDERSTOOD, Claim, Judged, Status, Verdict, failing, verdict_table

PAGES = sorted((Path(__file__).parents[2] / "docs" / "results").glob("*.md"))
ROW = re.compile(r"^\| (\S+)(?: \(finding\))? \|", re.MULTILINE)


def claim(name: str, status: Status, **facts: Any) -> Claim:
    def judge(records: Sequence[Any]) -> Verdict:
        return Verdict(status, "so it is")

    return Claim(name, f"{name} | holds", judge, **facts)


CLAIMS = (claim("a", "pass"), claim("b", "fail", reason="Too few steps."), claim("c", "fail"))


def test_what_fails_stands_first_in_a_table_of_verdicts() -> None:
    assert ROW.findall(verdict_table(CLAIMS, []))[1:] == ["b", "c", "a"]


def test_what_fails_is_listed_with_its_reason_or_as_not_understood() -> None:
    rows = failing([Judged(CLAIMS, []), Judged([claim("d", "fail")], [], "finding")]).splitlines()
    assert rows[2:] == [
        r"| b | b \| holds | Too few steps. |",
        rf"| c | c \| holds | {NOT_UNDERSTOOD} |",
        rf"| d (finding) | d \| holds | {NOT_UNDERSTOOD} |",
    ]
    assert failing([Judged(CLAIMS[:1], [])]) == "None."


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_lists_every_claim_that_fails_before_all_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    refuted = re.findall(r"^\| (\S+) \|.*\*\*fail\*\*", text, re.MULTILINE)
    first = text.split("\n\n")[1:3]
    if refuted:
        assert first[0].startswith("**Claims that fail**")
        assert ROW.findall(first[1])[1:] == refuted
