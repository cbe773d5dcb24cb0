r"""Words of six groups, letter by letter: how many words until the k-th letter is known.

With the recipe of `experiments.a5.plateaus`, but at a constant rate, a model learns from words of
eight letters, and its run tells the words seen before each of them was known. Two laws are compared
(`experiments.a5.letter_laws`): a model that looks its answers up needs as many words as there are
beginnings, :math:`|G|^k`; one that multiplies might need a power of k.

The groups have orders 6, 12, 24 and 60, and three of order 60 tell the order from the structure:
abelian Z60, solvable A4 x Z5 and A5, which is neither.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from experiments.a5 import sequence_models
from experiments.a5.plateaus import RECIPE
from experiments.a5.sequence_models import Model, SequenceModelRun
from experiments.run import of_preset

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "whole")
DEFAULT_PRESET = "quick"

GROUPS = ("S3", "A4", "S4", "A4_x_Z5", "Z60", "A5")
# The recurrent network, which needs one block at every length, is there as a baseline.
MODELS: tuple[tuple[Model, int], ...] = (
    ("s4", 1),
    ("s4", 2),
    ("mamba", 1),
    ("mamba", 2),
    ("rnn", 1),
)
LETTERS = 8
SEEDS = (0, 1, 2)
EVERY = 25  # steps between evaluations: 3,200 words, the resolution of what is measured


def runs(preset: str) -> list[SequenceModelRun]:
    """List the runs of a preset, those of small groups, which end soonest, first."""
    ladder = {
        "smoke": lambda: [
            _run(model, depth, "S3", 0, width=16, steps=50, length=3, held_out=100)
            for model, depth in MODELS
        ],
        "quick": lambda: _all(width=128, steps=12_000),
        "whole": lambda: _all(width=256, steps=32_000),
    }
    return of_preset(preset, ladder)


def execute(run: SequenceModelRun, recorder: Recorder) -> None:
    """Train the model until it knows every letter, or its steps are over."""
    sequence_models.execute(run, recorder)


def _all(width: int, steps: int) -> list[SequenceModelRun]:
    return [
        _run(model, depth, group, seed, width=width, steps=steps)
        for group in GROUPS
        for seed in SEEDS
        for model, depth in MODELS
    ]


def _run(
    model: Model,
    depth: int,
    group: str,
    seed: int,
    *,
    width: int,
    steps: int,
    length: int = LETTERS,
    held_out: int = 500,
) -> SequenceModelRun:
    return SequenceModelRun(
        model=model,
        depth=depth,
        group=group,
        seed=seed,
        width=width,
        length=length,
        num_held_out=held_out,
        num_longer=0,
        auxiliary_fraction=0.0,
        fresh=True,
        published_step=model == "s4",
        training=replace(RECIPE, schedule="constant", num_steps=steps, evaluate_every=EVERY),
    )
