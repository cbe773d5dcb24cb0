"""Evidence of a claim: the records whose results its judge reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from experiments.claim import Claim, Verdict
    from experiments.record import Record

RESULTS = ("metrics", "notes", "tensors", "file", "divergence")
"""Parts of a record that hold what came out of its run."""


class _Watched:
    """A record that remembers whether its results were read."""

    def __init__(self, held: Record) -> None:
        self.held, self.read = held, False

    def __getattr__(self, name: str) -> Any:
        self.read |= name in RESULTS
        return getattr(self.held, name)


def examined(claim: Claim, records: Sequence[Record]) -> tuple[Verdict, list[Record]]:
    """Judge a claim and list its evidence.

    A judge may look at the results of a record and then not need them, so that a verdict rests on
    no others than those listed, but perhaps on fewer. A claim that is *not run* has no evidence.
    """
    watched = [_Watched(held) for held in records]
    verdict = claim.judge(cast("Sequence[Record]", watched))
    read = [each.held for each in watched if each.read]
    return verdict, [] if verdict.status == "not run" else _once(read)


def _once(records: Iterable[Record]) -> list[Record]:
    """Leave out records that stand twice, as in two presets that share runs."""
    return list({held.hash: held for held in records}.values())
