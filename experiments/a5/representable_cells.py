"""Records of stacks set by hand, as rows: one for each depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from experiments.record import Record
from experiments.report.rows import Load
from experiments.report.variants import labelled, named


@dataclass(frozen=True)
class Stack:
    """How stacks of one depth do on words of one length.

    `window` is the number of letters that this depth can multiply, `expected` the token accuracy
    if positions beyond it are right by chance.
    """

    model: str
    group: str
    length: int
    depth: int
    num_words: int
    tokens: float
    sequences: float
    lead: float
    expected: float
    variant: str = ""

    @property
    def name(self) -> str:
        """The model, and the settings in which it differs from other stacks like it."""
        return labelled(self.model, self.variant)

    @property
    def is_exact(self) -> bool:
        """Whether every letter of every word is right."""
        return self.sequences == 1.0


def records(load: Load, preset: str | None) -> list[Record]:
    """Load the records of `smoke`, or for every other preset those of the default one."""
    return load("smoke" if preset == "smoke" else None, "representable")


def stacks(records: Iterable[Record]) -> list[Stack]:
    """All stacks of finished records, in their order."""
    done = named((record for record in records if record.status == "done"), cell_of)
    return [_stack(record, line, variant) for variant, record in done for line in record.metrics]


def cell_of(record: Record) -> tuple[str, str, int, int]:
    """Model, group, length and seed of a record."""
    run = record.run
    return run.model, run.group, run.length, run.seed


def depths(found: Iterable[Stack]) -> dict[str, dict[int, int]]:
    """Fewest blocks that are exact at each length, by model."""
    least: dict[str, dict[int, int]] = {}
    for stack in found:
        if stack.is_exact:
            of_model = least.setdefault(stack.name, {})
            of_model[stack.length] = min(stack.depth, of_model.get(stack.length, stack.depth))
    return least


def _stack(record: Record, line: dict[str, float], variant: str) -> Stack:
    run, depth = record.run, int(line["depth"])
    window = min(run.length, 2**depth)
    return Stack(
        model=run.model,
        group=run.group,
        length=run.length,
        depth=depth,
        num_words=run.num_words,
        tokens=line["token_accuracy"],
        sequences=line["sequence_accuracy"],
        lead=line["lead"],
        expected=(window + (run.length - window) / record.notes["order"]) / run.length,
        variant=variant,
    )
