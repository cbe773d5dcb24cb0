"""Training that leaves the plateaus of the word problem, and what each part of it contributes.

A model learns the words letter by letter, and stands on a plateau before each. Here it learns from
whole words, fresh at every step; the matrices of the layers are moved by Muon, everything else by
AdamW, and both rates fall along a cosine. The word lengths are 4, 6 and 8, for which S4 was
published to need 1, 2 and 2 blocks, and Mamba 2, 2 and 3 (arXiv:2402.19047, Figure 2).

S4 has the step of the published code, near 0.7, which tells the letters of short words apart:
with steps from 0.001 to 0.1 most kernels hardly change over six letters. `tried` lists the runs
that chose the recipe.
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
# No other preset trains as long: a cell of the study, which is told by its steps, holds one recipe.
STEPS = 40_000

RECIPE = Training(
    loss="cross_entropy",
    optimiser="muon",
    learning_rate=3e-3,
    matrix_learning_rate=0.01,
    matrix_weight_decay=0.1,
    schedule="cosine",
    batch_size=128,
    num_steps=STEPS,
    clip=1.0,
    evaluate_every=250,
    target=0.9,
    target_at="last",
)
GROWING = Curriculum(kind="length", start=2, level=0.9)


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

    AdamW has the rate and decay of the preset `long`.
    """
    adamw = replace(
        RECIPE,
        optimiser="adamw",
        weight_decay=0.1,
        matrix_learning_rate=None,
        matrix_weight_decay=None,
    )
    variants: tuple[tuple[Training, dict[str, Any]], ...] = (
        (RECIPE, {}),
        (replace(RECIPE, curriculum=GROWING), {}),
        (adamw, {}),
        (RECIPE, {"width": 128}),
        (replace(RECIPE, schedule="constant"), {}),
        (RECIPE, {"published_step": False}),
    )
    return [
        _fields("s4", 6, 2, seed, training, **changes)
        for training, changes in variants
        for seed in SEEDS
    ]


def tried() -> list[dict[str, Any]]:
    """Fields of the trials that chose the recipe, one seed each; the last has the recipe itself."""
    shorter = {steps: replace(RECIPE, num_steps=steps) for steps in (16_000, 20_000)}
    growing = replace(RECIPE, curriculum=GROWING, num_steps=32_000)
    return [
        _fields("s4", 6, 2, 0, replace(growing, schedule="constant"), published_step=False),
        _fields("s4", 6, 2, 0, growing, published_step=False),
        _fields("s4", 6, 2, 0, shorter[20_000], published_step=False),
        _fields("s4", 8, 3, 0, shorter[20_000], published_step=False),
        _fields("mamba", 8, 3, 0, shorter[20_000]),
        _fields("s4", 6, 2, 0, shorter[16_000]),
        _fields("s4", 6, 2, 0, RECIPE),
    ]


def _fields(
    model: str, length: int, depth: int, seed: int, training: Training, **changes: Any
) -> dict[str, Any]:
    return {
        "model": model,
        "length": length,
        "depth": depth,
        "seed": seed,
        "width": WIDTHS[model],
        "fresh": True,
        "auxiliary_fraction": 0.0,
        "published_step": model == "s4",
        "training": training,
        **changes,
    }
