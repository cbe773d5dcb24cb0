"""Claims as a logbook tells them: verdict, evidence, and the commands that make it again."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from experiments.claim import Claim, Judged, Status
from experiments.frame import Row
from experiments.logbook.evidence import examined
from experiments.logbook.verdict import SUGGESTED, Outcome, outcome
from experiments.record import Record


@dataclass(frozen=True)
class Source:
    """A published record.

    Parameters
    ----------
    record
        The record.
    archive
        Archive that holds it, below ``experiments/published``.
    command
        The command that makes it again; empty if no preset lists its run today.
    facts
        Status, settings, metrics, notes and provenance, as `experiments.frame.table` gives them.
    """

    record: Record
    archive: str
    command: str
    facts: Row

    @property
    def id(self) -> str:
        """Name of the record in a logbook."""
        return f"#run/{self.record.hash}"

    @property
    def row(self) -> Row:
        """The record as a row of a table."""
        told = {"provenance.archive": self.archive, "provenance.command": self.command or None}
        return {**self.facts, **told}

    @property
    def preset(self) -> str:
        """The command without the conditions that choose this run among those of its preset."""
        return self.command.partition(" --only ")[0]


@dataclass(frozen=True, kw_only=True)
class Review:
    """A claim, judged.

    Parameters
    ----------
    study
        Folder of the study.
    kind
        ``claim``, or ``finding`` for what was stated after its records were seen.
    name, statement
        Its label, unique among the claims and among the findings of its study, and what it says.
    outcome
        One of the four verdicts.
    status
        The study's own verdict, from which `outcome` is made.
    detail
        The numbers behind the verdict, in one line.
    reason
        Why the records refute the claim, or why they cannot verify it; else empty.
    evidence
        The records whose results were read.
    """

    study: str
    kind: str
    name: str
    statement: str
    outcome: Outcome
    status: Status
    detail: str
    reason: str
    evidence: tuple[Source, ...]

    @property
    def id(self) -> str:
        """Name of the review in a logbook, whatever signs the claim's own name has."""
        return f"#{quote(self.study)}/{self.kind}/{quote(self.name, safe='')}"

    @property
    def commands(self) -> list[str]:
        """Commands that make all of the evidence again, and the one that judges it."""
        runs = dict.fromkeys(each.preset for each in self.evidence if each.command)
        return [*runs, shlex.join(["python", "-m", "experiments", "table", self.study])]

    @property
    def row(self) -> Row:
        """The review as a row of a table."""
        return {
            "study": self.study,
            "kind": self.kind,
            "name": self.name,
            "statement": self.statement,
            "verdict": self.outcome,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
            "runs": len(self.evidence),
            "evidence": [each.record.hash for each in self.evidence],
            "commands": self.commands,
        }


def reviews(study: str, judged: Iterable[Judged], sources: Mapping[str, Source]) -> list[Review]:
    """Judge all claims of a study.

    Parameters
    ----------
    study
        Folder of the study.
    judged
        Its claims with the records that they are about.
    sources
        Published records by their hashes.
    """
    return [_review(study, claim, group, sources) for group in judged for claim in group.claims]


def _review(study: str, claim: Claim, group: Judged, sources: Mapping[str, Source]) -> Review:
    verdict, evidence = examined(claim, group.records)
    found = outcome(verdict.status, group.kind)
    reasons = {"fail": claim.reason, "pass": SUGGESTED if found != "verified" else ""}
    return Review(
        study=study,
        kind=group.kind,
        name=claim.name,
        statement=claim.statement,
        outcome=found,
        status=verdict.status,
        detail=verdict.detail,
        reason=reasons.get(verdict.status, ""),
        evidence=tuple(sources[held.hash] for held in evidence),
    )
