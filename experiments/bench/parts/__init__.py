"""Parts of the bench, in the order of a card.

A part says which trainings or measurements a preset makes (`settings`), does one of them
(``measure``), and turns the records of one model into measurements (`measured`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from experiments.bench.parts import (
    contract,
    cost,
    memory,
    signature,
    theory,
    token_measurements,
    token_presets,
)

if TYPE_CHECKING:
    from experiments.bench.cards import Measurement
    from experiments.record import Record

__all__ = ["PARTS", "Part"]


class Part(NamedTuple):
    """One part of the bench.

    Attributes
    ----------
    question
        What it answers.
    settings
        What a preset does, each once per seed if `seeded`.
    measured
        Measurements from the records of one model.
    seeded
        Whether its results depend on the seed.
    """

    question: str
    settings: Callable[[str], Sequence[Any]]
    measured: Callable[[Sequence[Record]], list[Measurement]]
    seeded: bool


PARTS: dict[str, Part] = {
    "contract": Part(
        "does it keep what every number rests on?", contract.settings, contract.measured, False
    ),
    "cost": Part("what does it cost?", cost.settings, cost.measured, False),
    "theory": Part("what can it follow?", theory.settings, theory.measured, False),
    "tracking": Part(
        "what does it follow?",
        partial(token_presets.settings, "tracking"),
        partial(token_measurements.measured, "tracking"),
        True,
    ),
    "recall": Part(
        "what does it keep?",
        partial(token_presets.settings, "recall"),
        partial(token_measurements.measured, "recall"),
        True,
    ),
    "memory": Part("how far back does it reach?", memory.settings, memory.measured, True),
    "signature": Part(
        "which integrals does it learn?", signature.settings, signature.measured, True
    ),
    "rates": Part(
        "at which rates does it learn?",
        partial(token_presets.settings, "rates"),
        partial(token_measurements.measured, "rates"),
        False,
    ),
}
