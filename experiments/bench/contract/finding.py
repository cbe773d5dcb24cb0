"""What a check has found: one finding per point, and all of them as a contract."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "failed", "skipped"]


class Fault(Exception):  # noqa: N818 - what a point raises to say that it does not hold
    """A point does not hold.

    Parameters
    ----------
    seen
        What was seen.
    advice
        What to do; that of the point where it is empty.
    blocks
        Parts of the bench that then mean nothing; those of the point where it is None.
    """

    def __init__(self, seen: str, advice: str = "", blocks: tuple[str, ...] | None = None):
        super().__init__(seen)
        self.seen, self.advice, self.blocks = seen, advice, blocks


class Skip(Exception):  # noqa: N818 - what a point raises to say that it was not judged
    """A point cannot be judged; `blocks` as for `Fault`, none where it is empty."""

    def __init__(self, seen: str, blocks: tuple[str, ...] = ()):
        super().__init__(seen)
        self.seen, self.blocks = seen, blocks


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was found at one point.

    Parameters
    ----------
    point
        Name of the point (see `experiments.bench.contract.points`).
    status
        ``ok``, ``failed`` or ``skipped``, which is neither.
    seen
        What was seen, with numbers; why, where it was skipped.
    advice
        What to do, where it failed.
    blocks
        Parts of the bench that mean nothing for a model of which this was found.
    """

    point: str
    status: Status
    seen: str
    advice: str = ""
    blocks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What `check` found of a model.

    Parameters
    ----------
    model
        Its name.
    width, length
        Channels and positions that it was checked with.
    findings
        One per point, in the order in which they were judged.
    numbers
        What was measured by the way: ``parameters``, ``state_bytes`` of a row,
        ``forward_microseconds`` and ``training_microseconds`` a token.
    """

    model: str
    width: int
    length: int
    findings: tuple[Finding, ...]
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no point failed."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The points that failed."""
        return tuple(found for found in self.findings if found.status == "failed")

    @property
    def blocks(self) -> dict[str, str]:
        """Parts of the bench that mean nothing for this model, each with the first reason."""
        reasons: dict[str, str] = {}
        for found in self.findings:
            for part in found.blocks:
                reasons.setdefault(part, f"{found.point}: {found.seen}")
        return reasons

    def finding(self, point: str) -> Finding:
        """Give what was found at a point.

        Raises
        ------
        KeyError
            If there is no such point.
        """
        return {found.point: found for found in self.findings}[point]

    def seconds(self, tokens: float, *, training: bool = True) -> float | None:
        """Estimate how long so many tokens take on this machine; None where nothing was timed."""
        each = self.numbers.get(f"{'training' if training else 'forward'}_microseconds")
        return None if each is None else each * tokens * 1e-6

    def plain(self) -> dict[str, Any]:
        """Give dictionaries, lists, strings and numbers, as JSON can hold them."""
        findings = [dataclasses.asdict(f) | {"blocks": list(f.blocks)} for f in self.findings]
        return {
            "model": self.model,
            "width": self.width,
            "length": self.length,
            "passed": self.passed,
            "blocks": self.blocks,
            "findings": findings,
            "numbers": dict(self.numbers),
        }

    @classmethod
    def heard(cls, plain: Mapping[str, Any]) -> Contract:
        """Rebuild a contract from what `plain` gave."""
        findings = (Finding(**{**f, "blocks": tuple(f["blocks"])}) for f in plain["findings"])
        kept = {name: plain[name] for name in ("model", "width", "length", "numbers")}
        return cls(findings=tuple(findings), **kept)

    def __str__(self) -> str:
        long = max(len(found.point) for found in self.findings)
        lines = [self.verdict]
        for found in self.findings:
            lines.append(f"  {found.point:{long}}  {found.status:7}  {found.seen}")
            if found.advice:
                lines.append(f"  {'':{long}}           do: {found.advice}")
        return "\n".join([*lines, *(f"  no {part}: {why}" for part, why in self.blocks.items())])

    __repr__ = __str__

    @property
    def verdict(self) -> str:
        """One line: whether the contract is kept, and at which points it is not."""
        count = len(self.findings)
        skipped = sum(found.status == "skipped" for found in self.findings)
        beside = f", {skipped} not judged" if skipped else ""
        if self.passed:
            return f"{self.model} keeps the contract: {count - skipped} of {count} points{beside}"
        names = ", ".join(found.point for found in self.failed)
        return f"{self.model} breaks the contract at {names} ({count} points{beside})"
