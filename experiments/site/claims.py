"""Claims of a study with their verdicts, as its functions judge the published records."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from experiments import claim
from experiments.claim import STATUSES
from experiments.site.words import plain, slug

_TABLE = re.compile(
    r"(^#+ [^\n]*\n+)?^\| (claim|finding) \| statement \| verdict \| detail \|\n(\|[^\n]*\n?)*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Judged:
    """A claim as it was judged.

    Parameters
    ----------
    study
        Folder of its study.
    kind
        "claim", or "finding" for what was stated after the records were seen.
    name, statement, status, detail
        Its label, what it says, its verdict, and the numbers behind that.
    reason
        Why it fails, where it does.
    """

    study: str
    kind: str
    name: str
    statement: str
    status: str
    detail: str
    reason: str

    @property
    def anchor(self) -> str:
        """Name of its row on the page of its study."""
        return f"{self.kind}-{slug(self.name)}"


def judged(study: str, found: Iterable[claim.Judged]) -> list[Judged]:
    """Judge the claims of a study; those that fail come first."""
    told = [
        _told(study, kind, each, each.judge(records))
        for claims, records, kind in found
        for each in claims
    ]
    return sorted(told, key=lambda each: each.status != "fail")


def _told(study: str, kind: str, held: claim.Claim, verdict: claim.Verdict) -> Judged:
    reason = held.reason if verdict.status == "fail" else ""
    texts = (held.name, held.statement, verdict.status, verdict.detail, reason)
    return Judged(study, kind, *map(_plain, texts))


def others(text: str) -> str:
    """Leave the tables of claims and their headings out of a study's tables."""
    return _TABLE.sub("\n", text)


def counts(claims: Iterable[Judged]) -> list[tuple[str, int]]:
    """Count verdicts, in the order pass, fail, undecided, not run; those that occur."""
    found = Counter(each.status for each in claims)
    return [(status, found[status]) for status in STATUSES if found[status]]


def _plain(text: str) -> str:
    return plain(text.replace("`", ""))
