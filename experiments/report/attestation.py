"""Attestations: the results of rerunning published records, one line of JSON each.

They are committed to the repository, in ``experiments/attestations/<date>-<processor>.jsonl``.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from experiments.record import decode, encode
from experiments.report.comparison import Comparison, Largest
from experiments.store import durable, stored
from experiments.study import ROOT

FOLDER = ROOT / "attestations"
CLOSE = 1e-6
_LIMIT = 2**26  # bytes of a file


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """The result of rerunning one published record.

    Parameters
    ----------
    date
        Date and time in UTC at which the rerun ended.
    study, preset, hash
        Study, preset and hash of the record.
    published
        How the record was made: ``status``, ``commit``, ``dirty`` (tracked files differed from
        the commit), ``processor``, ``gpus`` and ``seconds``.
    commit, dirty, processor, family, gpus, threads, versions
        How the rerun was made; ``family`` distinguishes processors with equal names.
    seconds
        Wall time of the rerun.
    status, message
        Status of the rerun, and the reason if it failed.
    numbers
        Comparison of published and rerun headline numbers; None if the rerun left no finished
        record.
    """

    date: str
    study: str
    preset: str
    hash: str
    published: dict[str, Any]
    commit: str | None
    dirty: bool | None
    processor: str
    family: str
    gpus: list[str] = field(default_factory=list)
    threads: int
    versions: dict[str, str]
    seconds: float
    status: str
    message: str
    numbers: Comparison | None

    @property
    def deviation(self) -> float:
        """Largest deviation of a headline number; infinite if the rerun has another status."""
        held = self.numbers
        if self.status != self.published["status"] or held is None or held.missing:
            return math.inf
        return held.mixed.deviation if held.mixed else 0.0

    @property
    def exact(self) -> bool:
        """Whether status and all digits of every headline number agree."""
        return self.deviation == 0.0

    @property
    def close(self) -> bool:
        """Whether the status agrees and no headline number deviates by more than 1e-6."""
        return self.deviation <= CLOSE

    @property
    def same_processor(self) -> bool:
        """Whether processor and GPUs have the names in the published record."""
        before = (self.published["processor"], self.published["gpus"])
        return before == (self.processor, self.gpus)

    def summary(self) -> str:
        """Describe in a few words how the rerun compares with the record."""
        before, held = self.published["status"], self.numbers
        if self.status != before or held is None:
            return f"{self.status} where {before} is published: {self.message}".rstrip(": ")
        if held.missing:
            return f"lacks {len(held.missing)} numbers, among them {held.missing[0]}"
        if self.exact or held.mixed is None:
            return f"the same digits in {held.compared} numbers"
        most = held.mixed
        return f"{most.metric} {most.after:.6g} where {most.before:.6g} is published"


def file_name(date: str, processor: str) -> str:
    """Name of the file of a day's attestations on one processor."""
    short = re.sub(r"\((r|tm)\)", "", processor.lower())
    return f"{date[:10]}-{re.sub(r'[^a-z0-9]+', '-', short).strip('-')}.jsonl"


def append(path: Path, found: Attestation) -> None:
    """Add a line to a file of attestations."""
    durable.make_folder(path.parent)
    line = json.dumps(encode(asdict(found)), allow_nan=False)
    durable.write_bytes(path, _content(path) + line.encode("ascii") + b"\n")


def read(path: Path) -> list[Attestation]:
    """Read a file of attestations; an empty list if there is no file."""
    lines = enumerate(_content(path).splitlines(), start=1)
    return [_parsed(line, f"{path}:{number}") for number, line in lines]


def committed() -> list[Attestation]:
    """Read the newest attestation of each record, in the order of study and hash."""
    found = [each for path in sorted(FOLDER.glob("*.jsonl")) for each in read(path)]
    newest = {each.hash: each for each in sorted(found, key=lambda each: each.date)}
    return sorted(newest.values(), key=lambda each: (each.study, each.preset, each.hash))


def _content(path: Path) -> bytes:
    try:
        return stored.read_bytes(path, _LIMIT)
    except FileNotFoundError:
        return b""


def _parsed(line: bytes, place: str) -> Attestation:
    plain = decode(stored.parse_json(line, place))
    try:
        numbers = plain.pop("numbers")
        return Attestation(**plain, numbers=numbers and _comparison(numbers))
    except (KeyError, TypeError) as error:
        raise stored.RejectedFileError(f"{place}: not an attestation ({error})") from error


def _comparison(plain: dict[str, Any]) -> Comparison:
    kinds = ("absolute", "relative", "mixed")
    largest = {kind: plain[kind] and Largest(**plain[kind]) for kind in kinds}
    return Comparison(**{**plain, **largest, "missing": tuple(plain["missing"])})
