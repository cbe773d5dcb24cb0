"""What each preset trains on sequences of tokens: tasks, rates, steps."""

from __future__ import annotations

from typing import Any

from experiments.bench.parts.tokens import Kind, Tokens, item
from experiments.tracking import tasks
from experiments.tracking.tasks import Recall, Task
from seqtheory.tasks import (
    FiniteAutomaton,
    GroupWords,
    ModularCounting,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
)
from seqtheory.training import Training

_RATES: dict[tuple[Kind, str], tuple[float, ...]] = {
    ("tracking", "smoke"): (1e-2,),
    ("tracking", "quick"): (3e-3, 1e-2),
    ("tracking", "full"): (1e-3, 3e-3, 1e-2),
    ("recall", "smoke"): (1e-2,),
    ("recall", "quick"): (3e-3,),
    ("recall", "full"): (1e-3, 3e-3, 1e-2),
}
_LADDER = {
    "smoke": (1e-3, 1e-2),
    "quick": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "full": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1),
}
_STEPS = {"smoke": 20, "quick": 500, "full": 4_000}


def training(preset: str, rate: float, *, steps: float = 1.0) -> Training:
    """Give the training of a preset at a rate: AdamW, a tenth of warm-up, then half a cosine."""
    number = round(_STEPS[preset] * steps)
    return Training(
        loss="cross_entropy",
        learning_rate=rate,
        batch_size=16 if preset == "smoke" else 64,
        num_steps=number,
        schedule="cosine",
        warmup_steps=number // 10,
        weight_decay=0.01,
        clip=1.0,
        evaluate_every=max(number // 4, 1),
    )


def tracking_tasks(preset: str) -> dict[str, Task]:
    """Tasks of tracking by their names, at the lengths that a preset trains on."""
    regular: dict[str, Any] = {"min_length": 3, "max_length": 20, "num_sequences": 20_000}
    words = 8 if preset == "quick" else 12
    if preset == "smoke":
        regular, words = {"min_length": 2, "max_length": 6, "num_sequences": 200}, 4
    count = regular["num_sequences"]
    found: list[Task] = [
        Parity(**regular),
        ModularCounting(modulus=3, **regular),
        FiniteAutomaton(**regular),
        *(GroupWords(group, words, count) for group in ("S3", "Z60", "A5")),
    ]
    return {tasks.task_name(task): task for task in found}


def recall_tasks(preset: str) -> dict[str, Recall]:
    """Tasks of recall by their names, with the published gaps and filler."""
    small = preset == "smoke"
    pairs, length, memorised = (2, 12, 2) if small else (8, 64, 8)
    count = 200 if small else 20_000
    recall = MultiQueryRecall(
        num_pairs=pairs,
        num_keys=32,
        num_values=32,
        min_length=length,
        max_length=length,
        num_sequences=count,
        distinct_values=True,
        each_once=True,
        gap_power=0.01,
    )
    copying = SelectiveCopying(
        num_symbols=14,
        num_memorised=memorised,
        min_length=length // 2,
        max_length=length // 2,
        num_sequences=count,
    )
    return {item(recall): recall, item(copying): copying}


def settings(kind: Kind, preset: str) -> list[Tokens]:
    """List the trainings of a part."""
    few: dict[str, Any] = {"num_held_out": 50, "num_longer": 20} if preset == "smoke" else {}
    if kind == "tracking":
        return [
            Tokens(
                kind=kind, task=task, training=training(preset, rate, steps=_longer(task)), **few
            )
            for task in tracking_tasks(preset).values()
            for rate in _RATES[kind, preset]
        ]
    if kind == "recall":
        few["factors"] = (1, 2, 4)
        return [
            Tokens(kind=kind, task=task, training=training(preset, rate, steps=2.0), **few)
            for task in recall_tasks(preset).values()
            for rate in _RATES[kind, preset]
        ]
    few["factors"] = (1,)
    task = tracking_tasks(preset)["S3"]
    return [
        Tokens(kind=kind, task=task, training=training(preset, rate), **few)
        for rate in _LADDER[preset]
    ]


def _longer(task: Task) -> float:
    """Give steps over those of small tasks: words of sixty letters take more."""
    return 2.0 if task.num_tokens > 16 else 1.0
