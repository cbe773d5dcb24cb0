"""Words until the k-th letter of six groups: runs, laws, claims, table and figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import made_up
import numpy as np
import pytest

from experiments.a5 import figure, letter_claims, letter_times, letter_times_table, table
from experiments.a5.letter_laws import Comparison, compared, letters
from experiments.a5.letter_times import GROUPS, runs
from experiments.a5.sequence_models import SequenceModelRun
from seqtheory.group import group, order_of

Words = Callable[[SequenceModelRun, int], float]


def record(run: SequenceModelRun, words: Words, known: int) -> Any:
    """A record of a run that came to know letters 2 to `known`, each after so many words."""
    steps = [0, 25, *(round(words(run, k) / 128) for k in range(2, known + 1))]
    lines = [
        {
            "step": step,
            "token_accuracy": max(place, 1) / run.length,
            "position_accuracy": [1.0] * max(place, 1) + [0.0] * (run.length - max(place, 1)),
        }
        for place, step in enumerate(steps)
    ]
    return made_up.record(run, lines, study="a5.letter_times")


def records(words: Words, known: int = 6) -> list[Any]:
    return [record(run, words, known) for run in runs("quick")]


def looked_up(run: SequenceModelRun, k: int) -> float:
    noise = 1 + 0.05 * run.seed
    return 10_000 * noise * order_of(run.group) ** k / run.depth**2


def in_proportion(run: SequenceModelRun, k: int) -> float:
    return 20_000 * (1 + 0.05 * run.seed) * k**3 * order_of(run.group) ** 0.5 / run.depth


def found(words: Words) -> Comparison:
    comparison = compared(records(words))
    assert comparison is not None
    return comparison


def verdict(name: str, held: list[Any]) -> str:
    return made_up.verdict(letter_claims.CLAIMS, name, held)


def test_the_groups_are_of_four_orders_and_three_kinds():
    kinds = {name: (group(name).is_abelian, group(name).is_solvable) for name in GROUPS}
    assert {order_of(name) for name in GROUPS} == {6, 12, 24, 60}
    assert [kinds[name] for name in letter_claims.OF_60] == [
        *((True, True), (False, True), (False, False))
    ]


def test_runs_are_those_of_the_recipe_and_of_every_group():
    held = runs("quick")
    assert len(held) == len(GROUPS) * len(letter_times.MODELS) * 3
    assert {run.group for run in held} == set(GROUPS)
    assert all(run.fresh and run.training.schedule == "constant" for run in held)
    assert {run.training.optimiser for run in held} == {"muon"}


def test_a_law_finds_its_own_exponents_and_predicts_groups_left_out():
    of_lookup, of_power = found(looked_up), found(in_proportion)
    assert of_lookup.exponents("look-up") == pytest.approx({"β": 1.0, "r": 2.0}, abs=0.01)
    assert of_power.exponents("power") == pytest.approx({"p": 3.0, "q": 0.5, "r": 1.0}, abs=0.01)
    assert of_lookup.error("look-up") < 0.03 < of_lookup.error("power")
    assert of_power.error("power") < 0.03 < of_power.error("look-up")
    low, high = of_lookup.lead_interval()
    assert 0 < low <= of_lookup.lead <= high


def test_letters_never_known_or_known_at_once_are_left_out():
    run = runs("quick")[0]
    held = [record(run, lambda run, k: 3_200.0 * (k - 1), 4), record(run, looked_up, 3)]
    assert [(row.run, row.letter) for row in letters(held)] == [(0, 3), (0, 4), (1, 2), (1, 3)]
    assert compared(held) is None  # of one group


def test_claims_can_hold_and_fail():
    by_order, by_power = records(looked_up), records(in_proportion)
    assert verdict("words-look-up", by_order) == "pass"
    assert verdict("words-look-up", by_power) == "fail"
    assert verdict("words-exponent", by_order) == "pass"
    assert verdict("words-exponent", by_power) == "fail"
    assert verdict("words-order", by_order) == "pass"
    assert verdict("words-deeper-s4", by_order) == "pass"
    assert verdict("words-carried", by_order) == "fail"
    assert verdict("words-carried", by_power) == "fail"
    assert verdict("words-carried", records(lambda run, k: 1e5 + 100 * k)) == "pass"
    assert verdict("words-look-up", []) == verdict("words-order", []) == "not run"


def test_a_part_of_the_groups_decides_no_law():
    part = [held for held in records(looked_up) if held.run.group in GROUPS[:3]]
    assert verdict("words-look-up", part) == verdict("words-exponent", part) == "undecided"


def test_a_group_that_never_knows_the_letter_counts_with_all_its_words():
    def times(run: SequenceModelRun, k: int) -> float:
        return 100_000.0 * k

    slow = [
        record(run, times, 2 if run.group == "A5" else 6)
        for run in runs("quick")
        if run.model == "s4"
    ]
    assert verdict("words-order", slow) == "undecided"  # A5 was not trained for longer
    late = [held if held.run.group != "A5" else _ended(held) for held in slow]
    assert verdict("words-order", late) == "fail"
    assert letter_claims.until([late[-1]], 3) == (late[-1].metrics[-1]["step"] * 128, False)


def _ended(held: Any) -> Any:
    """The same record with a later evaluation at which nothing more is known."""
    held.metrics.append({**held.metrics[-1], "step": 100_000})
    return held


def test_table_and_figure_are_made_from_whatever_is_there(tmp_path):
    def load(preset: str | None, file: str) -> list[Any]:
        return part if file == "letter_times" and preset is None else []

    part = [held for held in records(looked_up, 4) if held.run.group in GROUPS[:2]]
    paths = figure.draw(load, None, tmp_path)
    assert [path.name for path in paths[2:]] == ["a5_letter_times.png", "a5_letter_times.pdf"]
    text = table.table(load, None)
    for words in (
        "| S4 | 1 | S3 | 6 | ",
        "| RNN | 1 | A4 | 12 | ",
        "| 0 of 3 |",
        "| look-up | β = 1 [",
        "| power | p = ",
    ):
        assert words in text
    assert letter_times_table.section([]) == []
    (one,) = part[:1]
    assert "| law |" not in "\n".join(letter_times_table.section([one]))
    assert figure.draw(lambda preset, file: [one] if file == "letter_times" else [], None, tmp_path)


@pytest.mark.needs_torch
def test_a_small_run_records_the_accuracy_of_each_letter():
    run = runs("smoke")[0]
    recorder = made_up.InMemory()
    letter_times.execute(run, recorder)
    lengths = [len(line["position_accuracy"]) for line in recorder.lines]
    assert lengths == [3] * len(lengths)
    assert np.isfinite([line["loss"] for line in recorder.lines]).all()
