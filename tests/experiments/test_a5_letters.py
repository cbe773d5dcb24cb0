"""Letters known against words seen: figure, tables and what each part of the recipe contributes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import made_up
import pytest

from experiments.a5 import ablation_claims, figure, letters_table, plateaus, table, trials_table
from experiments.a5.known_letters import known_letters, longest_words
from experiments.a5.sequence_models import SequenceModelRun, runs

EVERY = 128_000  # words between two evaluations


def record(run: SequenceModelRun, letters: tuple[int, ...]) -> Any:
    """A record of a run that knew so many letters at each evaluation, a thousand steps apart."""
    lines = [
        {
            "step": 1_000 * i,
            "token_accuracy": known / run.length,
            "sequence_accuracy": float(known == run.length),
            "position_accuracy": [1.0] * known + [0.0] * (run.length - known),
        }
        for i, known in enumerate(letters)
    ]
    return made_up.record(run, lines, study="a5.sequence_models", preset="plateaus")


def searched(
    depth: int, length: int, seed: int, letters: tuple[int, ...], model: Any = "s4"
) -> Any:
    (run,) = (
        run
        for run in runs("plateaus")
        if (run.model, run.depth, run.length, run.seed) == (model, depth, length, seed)
    )
    return record(run, letters)


PARTIAL = [
    searched(1, 4, 0, (1, 2, 3, 4)),
    searched(1, 6, 0, (1, 2, 3, 4, 4, 4)),
    searched(2, 6, 0, (1, 2, 4, 6)),
    searched(1, 4, 1, (1, 2, 3, 3)),
    searched(1, 4, 0, (1, 2), model="mamba"),
]


def load(preset: str | None, file: str) -> list[Any]:
    if file != "sequence_models":
        return []
    return {"plateaus": PARTIAL, "ablation": ABLATED}.get(preset or "", [])


def of_variant(name: str, letters: tuple[int, ...], seed: int) -> Any:
    held = [record(run, letters) for run in runs("ablation") if run.seed == seed]
    return next(r for r in held if ablation_claims.variant(r) == name)


ABLATED = [
    of_variant("the recipe", (1, 2, 3, 4, 6), 0),
    of_variant("the recipe", (1, 2, 3, 5, 5), 1),
    of_variant("the recipe", (1, 2, 3, 3, 5), 2),
    of_variant("AdamW", (1, 1, 2, 2, 3), 0),
    of_variant("width 128", (1, 2, 3, 5, 6), 0),
]
THREE_SEEDS = [
    *ABLATED,
    of_variant("AdamW", (1, 1, 2, 2, 3), 1),
    of_variant("AdamW", (1, 1, 2, 2, 3, 4, 5), 2),
    of_variant("width 128", (1, 2, 3, 5, 6), 1),
    of_variant("width 128", (1, 2, 3, 3, 6), 2),
    of_variant("growing words", (1, 2, 3, 4, 5), 0),
    of_variant("growing words", (1, 2, 3, 4, 4, 5), 1),
    of_variant("growing words", (1, 2, 3, 4, 4, 5), 2),
    of_variant("constant rate", (1, 1, 2, 2, 3), 0),
]


def test_of_each_depth_and_seed_the_longest_words_are_shown():
    shown = [(r.run.model, r.run.depth, r.run.seed, r.run.length) for r in longest_words(PARTIAL)]
    assert shown == [("s4", 1, 0, 6), ("s4", 2, 0, 6), ("s4", 1, 1, 4), ("mamba", 1, 0, 4)]


def test_a_search_that_has_only_begun_is_drawn_and_tabled(tmp_path):
    paths = figure.draw(load, "plateaus", tmp_path)
    assert [path.name for path in paths] == [
        *("a5.png", "a5.pdf", "a5_letters.png", "a5_letters.pdf")
    ]
    assert all(path.stat().st_size > 1_000 for path in paths)
    text = table.table(load, "plateaus")
    for part in (
        "| s4 | >1, undertrained (1 of 2) / 1 | 2 (1 of 1) / 2 |",
        "letter 2 | letter 3 | letter 4 | letter 5 | letter 6 |",
        "128,000 [128,000, 128,000], n = 2",
        "| s4 | A5 | 2 | 6 | 128,000, n = 1 | 256,000, n = 1 |",
        "384,000, n = 1: 1 of 2 | 0 of 1 | 0 of 1 |",
    ):
        assert part in text


def test_without_records_of_fresh_words_nothing_is_added(tmp_path):
    whole = record(SequenceModelRun(length=4), (1, 2, 3))
    assert letters_table.section([whole]) == letters_table.ablation([]) == []
    paths = figure.draw(lambda preset, file: [whole] if preset == "quick" else [], None, tmp_path)
    assert [path.stem for path in paths] == ["a5", "a5"]


def test_the_table_of_the_ablation_tells_variants_apart():
    text = "\n\n".join(letters_table.ablation(ABLATED))
    for part in (
        "| the recipe | 128,000 [128,000, 128,000], n = 3 |",
        "| 512,000, n = 1: 1 of 3 | 5.33 [3.9, 6.77], n = 3 | 2 [2, 2], n = 3 | 1.00 at letter 5 |",
        "| AdamW | 256,000, n = 1 | 512,000, n = 1 | 0 of 1 | 0 of 1 | 0 of 1 | 3, n = 1 | "
        "2, n = 1 | 2.00 at letter 3 |",
        "| width 128 |",
        "0.75 at letter 5 |",
    ):
        assert part in text


def test_every_variant_of_the_preset_has_a_name_of_its_own():
    names = [ablation_claims.variant(record(run, (1,))) for run in runs("ablation")]
    assert names == [name for name in dict.fromkeys(names) for _ in plateaus.SEEDS]
    assert set(names) >= {part for part, _ in ablation_claims.PARTS.values()}


def test_trials_are_tabled_with_what_sets_each_apart():
    growing, whole, *_ = (record(run, (1, 3)) for run in runs("trials") if run.length == 6)
    text = "\n\n".join(trials_table.section([growing, whole]))
    for part in (
        "| s4 | 2 | 6 | growing words, constant rate, own step | 1,000 of 32,000 | 2 | 1.00 | "
        "1.00 | 0.00 | 0.00 | 0.00 |",
        "| s4 | 2 | 6 | growing words, own step |",
    ):
        assert part in text
    assert trials_table.section([]) == []


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("recipe-muon", "pass"),  # AdamW knows the fifth letter late in one seed, else never
        ("recipe-width", "fail"),  # half of the width knows it sooner
        ("recipe-words", "undecided"),  # one seed as soon as one of the recipe
        ("recipe-rate", "undecided"),  # a single seed
        ("recipe-step", "not run"),
    ],
)
def test_claims_on_the_recipe_can_fail(name, verdict):
    assert made_up.verdict(ablation_claims.CLAIMS, name, THREE_SEEDS) == verdict


def test_claims_on_the_recipe_are_undecided_where_a_variant_is_mixed():
    (first, *_) = ABLATED
    other = record(
        replace(first.run, training=replace(first.run.training, batch_size=64)), (1, 2, 3, 4, 6)
    )
    verdict = made_up.verdict(ablation_claims.CLAIMS, "recipe-muon", [*ABLATED, other])
    assert verdict == "undecided"


def test_words_are_counted_by_the_batch():
    assert known_letters(PARTIAL[0]).words == (0, EVERY, 2 * EVERY, 3 * EVERY)
