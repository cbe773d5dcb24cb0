"""Contract: what a model must promise before its numbers mean anything (see `bench.contract`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from seqtheory.checks import require_integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Check a model's contract.

    Parameters
    ----------
    width, length, times
        Channels, positions, and how many times as many a long sequence has.
    """

    width: int = 16
    length: int = 16
    times: int = 16

    def __post_init__(self) -> None:
        """Refuse sizes that check nothing."""
        for name in ("width", "length", "times"):
            require_integer(name, getattr(self, name), minimum=4)

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Note every finding."""
        from dataclasses import replace

        from experiments.bench.contract import check

        model = run.guest or parts.mixer(replace(run, width=self.width))
        found = check(model, self.width, length=self.length, times=self.times)
        recorder.note(contract=found.plain())
        recorder.log(0, failed=len(found.failed))


def settings(preset: str) -> list[Promises]:
    """One check, in every preset."""
    return [Promises()]


def measured(records: Sequence[Record]) -> list[Measurement]:
    """Turn the record of one model into measurements: a finding in words for each point."""
    return [
        Measurement(
            part="contract",
            item=finding["point"],
            metric="finding",
            model=parts.name(held.run),
            value=finding["status"],
            n=1,
            runs=(held.hash,),
            note=_said(finding),
        )
        for held in parts.done(records)
        for finding in held.notes["contract"]["findings"]
    ]


def _said(finding: dict[str, Any]) -> str:
    advice = f"; do: {finding['advice']}" if finding["advice"] else ""
    return f"{finding['seen']}{advice}"
