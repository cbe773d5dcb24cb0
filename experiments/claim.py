"""Claims: statements about records, each with the function that judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

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


NOT_UNDERSTOOD = "Not understood."

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
    reason
        Why the published records refute it, as far as they show; printed only where it fails.
    """

    name: str
    statement: str
    judge: Judge
    reason: str = NOT_UNDERSTOOD


class Judged(NamedTuple):
    """Claims and the records that they are about; ``kind`` is ``claim`` or ``finding``."""

    claims: Sequence[Claim]
    records: Sequence[Record]
    kind: str = "claim"


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
    """Markdown table of every claim with its verdict; those that fail come first.

    Parameters
    ----------
    claims
        The claims, in the order of the table's rows below those that fail.
    records
        The study's records.
    kind
        ``claim``, or ``finding`` for statements that were made after the records were seen.
    """
    rows = [f"| {kind} | statement | verdict | detail |", "|---|---|---|---|"]
    judged = [(claim, claim.judge(records)) for claim in claims]
    for claim, verdict in sorted(judged, key=lambda pair: pair[1].status != "fail"):
        rows.append(_row(claim.name, claim.statement, f"**{verdict.status}**", verdict.detail))
    return "\n".join(rows) + "\n"


def failing(study: Iterable[Judged]) -> str:
    """Markdown table of the claims and findings that the records refute, with the reason."""
    rows = [
        _row(
            f"{claim.name}{'' if kind == 'claim' else f' ({kind})'}", claim.statement, claim.reason
        )
        for claims, records, kind in study
        for claim in claims
        if claim.judge(records).status == "fail"
    ]
    if not rows:
        return "None."
    return "\n".join(["| claim | statement | why it fails |", "|---|---|---|", *rows])


def _row(*cells: str) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
