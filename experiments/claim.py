"""Claims: statements about records, each with the function that judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from experiments.record import Record

Status = Literal["pass", "fail", "undecided", "not run"]
STATUSES: tuple[Status, ...] = ("pass", "fail", "undecided", "not run")


@dataclass(frozen=True)
class Verdict:
    """What the records say about a claim.

    Parameters
    ----------
    status
        ``pass``, ``fail``, ``undecided`` (the records do not decide it) or ``not run`` (records are
        missing).
    detail
        The numbers behind the status, in one line.
    """

    status: Status
    detail: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status: got {self.status!r}, expected one of {', '.join(STATUSES)}")


Judge: TypeAlias = "Callable[[Sequence[Record]], Verdict]"
"""Function that judges a study's records."""


@dataclass(frozen=True)
class Claim:
    """A falsifiable statement and the function that judges it.

    Parameters
    ----------
    name
        Short label, as used in the theory notes.
    statement
        The claim in one sentence.
    judge
        Takes the study's records and returns a `Verdict`.
    """

    name: str
    statement: str
    judge: Judge


def all_hold(
    parts: Iterable[tuple[bool, str]], missing: str, otherwise: Status = "fail"
) -> Verdict:
    """Judge a claim that has several parts.

    Parameters
    ----------
    parts
        For each part, such as a task: whether the claim holds for it, and the numbers behind that.
    missing
        Detail of the verdict *not run*, which is given if there is no part.
    otherwise
        Status if the claim does not hold for some part.
    """
    found = list(parts)
    if not found:
        return Verdict("not run", missing)
    holds = all(part for part, _ in found)
    return Verdict("pass" if holds else otherwise, "; ".join(detail for _, detail in found))


def lacking(found: Mapping[str, object]) -> Verdict | None:
    """Verdict *not run* with the names that have no finished record; None if all have some."""
    if missing := [name for name, rows in found.items() if not rows]:
        return Verdict("not run", f"no finished record of {', '.join(missing)}")
    return None


def verdict_table(claims: Iterable[Claim], records: Sequence[Record], kind: str = "claim") -> str:
    """Markdown table of every claim with its verdict; a failed claim is shown as failed.

    Parameters
    ----------
    claims
        The claims, in the order of the table's rows.
    records
        The study's records.
    kind
        ``claim``, or ``finding`` for statements that were made after the records were seen.
    """
    rows = [f"| {kind} | statement | verdict | detail |", "|---|---|---|---|"]
    for claim in claims:
        verdict = claim.judge(records)
        cells = (claim.name, claim.statement, f"**{verdict.status}**", verdict.detail)
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
