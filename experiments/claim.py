"""Claims: statements about records that are judged by a function, never typed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from experiments.record import Record

Status = Literal["pass", "fail", "undecided", "not run"]
STATUSES: tuple[Status, ...] = ("pass", "fail", "undecided", "not run")


@dataclass(frozen=True)
class Verdict:
    """What the records say about a claim.

    Parameters
    ----------
    status
        ``pass``, ``fail``, ``undecided`` (the records cannot tell) or ``not run`` (they are not
        there).
    detail
        The numbers behind it, in one line.
    """

    status: Status
    detail: str

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status: got {self.status!r}, expected one of {', '.join(STATUSES)}")


@dataclass(frozen=True)
class Claim:
    """A falsifiable statement and the function that judges it.

    Parameters
    ----------
    name
        Short label, as the theory notes use it.
    statement
        The claim in one sentence.
    judge
        From the study's records to a `Verdict`.
    """

    name: str
    statement: str
    judge: Callable[[Sequence[Record]], Verdict]


def verdict_table(claims: Iterable[Claim], records: Sequence[Record], kind: str = "claim") -> str:
    """Markdown table of every claim with its verdict; a failed claim is shown as failed.

    Parameters
    ----------
    claims
        In the order of the rows.
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
