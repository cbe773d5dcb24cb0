"""Training that leaves the plateaus of the word problem, and what each part of it contributes.

A model learns the words letter by letter, and stands on a plateau before each. Here the words are
fresh at every step and grow by a letter once the last one is known; the matrices of the layers are
moved by Muon, everything else by AdamW, both at a constant rate. The word lengths are 4, 6 and 8,
which S4 and Mamba were published to need 1, 2 and 2 blocks for (arXiv:2402.19047, Figure 2).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from seqtheory.training import Curriculum, Training

MODELS = ("s4", "mamba", "transformer")
ONE_BLOCK = ("lstm", "s4d", "s5", "lru")
"""Models of which the published figure shows nothing, tried with one block."""
LENGTHS = (4, 6, 8)
DEPTHS = (1, 2, 3)
SEEDS = (0, 1, 2)
WIDTHS = {**dict.fromkeys((*MODELS, *ONE_BLOCK), 256), "transformer": 128}
# In trials with two blocks no model stood on a plateau for more than 5,000 steps: a run that knows
# no letter more after 10,000 steps has stood on its last plateau for four times as long. No other
# preset trains as long: a cell of the study, which is told by its steps, holds one recipe.
STEPS = 32_000

RECIPE = Training(
    loss="cross_entropy",
    optimiser="muon",
    learning_rate=3e-3,
    matrix_learning_rate=0.01,
    matrix_weight_decay=0.1,
    batch_size=128,
    num_steps=STEPS,
    clip=1.0,
    evaluate_every=250,
    curriculum=Curriculum(kind="length", start=2, level=0.9),
    target=0.9,
    target_at="last",
)


def searched() -> list[dict[str, Any]]:
    """Fields of the runs among which the least depth of each model is searched for."""
    return [
        _fields(model, length, depth, seed, RECIPE)
        for depth in DEPTHS
        for length in LENGTHS
        for model in MODELS
        for seed in SEEDS
    ]


def one_block() -> list[dict[str, Any]]:
    """Fields of runs of further models with one block; words that one fails end its search."""
    return [
        _fields(model, length, 1, seed, RECIPE)
        for length in LENGTHS
        for model in ONE_BLOCK
        for seed in SEEDS
    ]


def ablated() -> list[dict[str, Any]]:
    """Fields of runs of S4 with two blocks at length 6: the recipe, and each part of it replaced.

    AdamW has the rate and decay that did best for it in trials.
    """
    adamw = replace(
        RECIPE,
        optimiser="adamw",
        learning_rate=1e-3,
        weight_decay=0.1,
        matrix_learning_rate=None,
        matrix_weight_decay=None,
    )
    variants: tuple[tuple[Training, int], ...] = (
        (RECIPE, 256),
        (replace(RECIPE, curriculum=None), 256),
        (adamw, 256),
        (replace(adamw, curriculum=None), 256),
        (RECIPE, 128),
        (replace(RECIPE, schedule="cosine"), 256),
    )
    return [
        {**_fields("s4", 6, 2, seed, training), "width": width}
        for training, width in variants
        for seed in SEEDS
    ]


def _fields(model: str, length: int, depth: int, seed: int, training: Training) -> dict[str, Any]:
    return {
        "model": model,
        "length": length,
        "depth": depth,
        "seed": seed,
        "width": WIDTHS[model],
        "fresh": True,
        "auxiliary_fraction": 0.0,
        "training": training,
    }
