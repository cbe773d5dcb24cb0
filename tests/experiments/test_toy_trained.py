"""Cells of Figure 1 and their claims, judged from records of every kind."""

from __future__ import annotations

from typing import Any

import made_up
import numpy as np
import pytest

from experiments.report.rows import select
from experiments.toy import sequence_models, table, trained_claims, trained_figure
from experiments.toy.trained import cells, records
from seqtheory.tasks import SignatureLabels


def record(
    *rmse: float,
    model: str = "s4",
    depth: int = 1,
    nonlinear: bool = False,
    channels: int = 2,
    seed: int = 0,
    preset: str = "quick",
    num_train: int = 10_000,
    **settings: Any,
) -> Any:
    facts: Any = {"model": model, "depth": depth, "nonlinear": nonlinear, "seed": seed}
    facts |= settings
    task = SignatureLabels(channels=channels)
    return made_up.record(
        sequence_models.SequenceModelRun(task=task, **facts),
        [{"step": 100 * i, "rmse": value} for i, value in enumerate(rmse)],
        notes={"predict_zero": 0.5, "num_train": num_train},
        preset=preset,
    )


def verdict(name: str, *records: Any) -> str:
    return made_up.verdict(trained_claims.CLAIMS, name, records)


def test_seeds_of_a_cell_are_joined_and_measured_against_predicting_zero():
    (cell,) = cells([record(1.0, 0.4), record(1.0, 0.6, seed=1)])
    np.testing.assert_allclose(cell.ratios, [[2.0, 0.8], [2.0, 1.2]])
    assert cell.steps.tolist() == [0, 100]
    assert cell.name == "S4, 1 linear"


def test_unfinished_and_diverged_runs_are_no_cells():
    begun, diverged = record(0.4), record(0.4)
    begun.status, diverged.status = "unfinished", "diverged"
    assert cells([begun, diverged]) == []


def test_cells_differ_in_what_the_figure_tells_apart():
    rows = cells([record(0.4), record(0.4, depth=2), record(0.4, channels=3)])
    assert len(rows) == 3
    assert len(select(rows, channels=3)) == 1


@pytest.mark.parametrize(("final", "status"), [(0.5, "pass"), (0.47, "fail"), (0.53, "fail")])
def test_linear_models_are_held_to_predicting_zero(final, status):
    assert verdict("f", record(1.0, final)) == status


def test_few_paths_judge_nothing():
    assert verdict("f", record(1.0, 0.5, num_train=9_999)) == "not run"


def test_models_that_can_must_do_better():
    able = {"depth": 2, "nonlinear": True}
    two, three = record(1.0, 0.15, **able), record(1.0, 0.15, channels=3, **able)
    assert verdict("f-able", two, three) == "pass"
    assert verdict("f-able", two) == "undecided"
    assert verdict("f-able", two, record(1.0, 0.16, channels=3, **able)) == "fail"
    assert verdict("f-able", record(1.0, 0.16, model="mamba")) == "fail"
    assert verdict("f-able", record(1.0, 0.16, **{**able, "depth": 1})) == "not run"


def test_more_seeds_join_their_cell_and_other_settings_are_cells_of_their_own():
    seeds = [record(0.4), record(0.6, seed=1, preset="seeds")]
    stepped = record(0.5, published_step=True, preset="published-step")
    fixed = record(0.5, model="mamba", input_dependent_C=False, preset="fixed-C")
    rows = cells([*seeds, stepped, fixed])
    assert [(row.name, row.preset, len(row.final)) for row in rows] == [
        ("S4, 1 linear", "quick", 2),
        ("S4 with the published step, 1 linear", "quick", 1),
        ("Mamba with C fixed, 1 linear", "quick", 1),
    ]
    assert verdict("f", record(1.0, 0.4, published_step=True)) == "fail"
    assert verdict("f-able", fixed) == "not run"


def test_the_default_part_has_all_seeds_and_settings_once():
    held = {None: [record(0.4)], "fixed-C": [record(0.5, model="mamba", input_dependent_C=False)]}
    held["seeds"] = [*held[None], record(0.6, seed=1)]

    def load(preset, file):
        return held.get(preset, [])

    assert len(records(load, None)) == 3
    assert len(records(load, "seeds")) == 2


def test_figure_and_table_are_made_from_trained_models_alone(tmp_path):
    runs = [record(1.0, 0.5), record(1.0, 0.1, model="mamba", channels=3)]
    assert all(path.is_file() for path in trained_figure.draw(runs, [], tmp_path))
    text = table.table(lambda preset, file="linear_cde": runs if "seq" in file else [], None)
    assert "| 2-D | S4, 1 linear | quick | published | 100 | 1, n = 1 |" in text


@pytest.mark.parametrize(
    "setting", [{"model": "gru"}, {"baseline": "2023"}, {"width": 0}, {"depth": 0}]
)
def test_a_run_that_could_not_be_built_is_refused(setting):
    with pytest.raises(ValueError, match="expected"):
        sequence_models.SequenceModelRun(**setting)
