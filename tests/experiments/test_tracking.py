"""The study of state tracking: runs, cells, rules, theory beside measurement, claims, tables."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import made_up
import numpy as np
import pytest

from experiments.run import canonical, content_hash
from experiments.tracking import (
    claims,
    figure,
    linear_cde,
    models,
    sequence_models,
    settings,
    table,
    tasks,
    tracking_run,
)
from experiments.tracking.cells import cells
from experiments.tracking.horizon import comparisons, monotone_horizon, overflows
from experiments.tracking.judgement import far_accuracy, is_measured_possible, outcome
from experiments.tracking.linear_cde import LinearCDERun
from experiments.tracking.models import KINDS, LINEAR_CDES, MODELS, ONE_HOT, STRUCTURED
from experiments.tracking.prediction import predicted
from experiments.tracking.sequence_models import SequenceModelRun
from experiments.tracking.settings import SHORT_WORDS, TASKS
from experiments.tracking.tracking_run import Tracker
from seqtheory.metrics import position_horizon
from seqtheory.plain import described, restored
from seqtheory.tasks import GroupWords, Parity

STUDY = "tracking.sequence_models"
JAX = "tracking.linear_cde"


def ideal(run: Any) -> float:
    """Give an accuracy that follows theory: 1 where it is possible, else chance."""
    return 1.0 if theory(run) != "impossible" else 0.5


def theory(run: Any) -> str:
    kind = KINDS[run.model].transition
    return "possible" if kind is None else predicted(cells([record(run)])[0]).status


def record(run: Any, accuracy: float = 0.5, far: float | None = None, status: str = "done") -> Any:
    far = accuracy if far is None else far
    notes: dict[str, Any] = {"chance": 0.5, "parameters": 100}
    if status == "done":
        longest = tasks.longest(run.task)
        notes["horizon"] = run.tested[-1] if far > 0.9 else 3 * longest if accuracy > 0.9 else 3
        notes["single_horizon"] = notes["horizon"]
        notes["prediction"] = {"verdict": "drifts", "steps": 4.0 * longest, "overflow": None}
        notes["longer"] = {
            str(n): {
                "token_accuracy": far,
                "sequence_accuracy": far,
                "position_accuracy": [far] * n,
            }
            for n in run.tested
        }
    budget = run.training.num_steps
    steps = [0, budget // 6, budget]  # five times as long on the last plateau as on the first
    return made_up.record(
        run,
        [{"step": k, "token_accuracy": accuracy if k else 0.1} for k in steps],
        study=JAX if isinstance(run, LinearCDERun) else STUDY,
        status=status,
        notes=notes,
    )


def steady(run: Any) -> Any:
    """Give the run a constant learning rate, without which no failure counts."""
    return replace(run, training=replace(run.training, schedule="constant"))


def verdict(name: str, records: list[Any]) -> str:
    return made_up.verdict(claims.CLAIMS, name, records)


def test_runs_of_quick_are_runs_of_prediction_but_for_the_short_words() -> None:
    held = {content_hash(run, STUDY, 1) for run in sequence_models.runs("prediction")}
    others = [r for r in sequence_models.runs("quick") if content_hash(r, STUDY, 1) not in held]
    assert {(r.task, r.model) for r in others} == {
        (SHORT_WORDS, m) for m in sequence_models.DIAGONALS
    }


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_recorded_task_is_read_back(task: Any) -> None:
    run = SequenceModelRun(task=task, width=64)
    heard = restored(described(run), SequenceModelRun)
    assert heard == run
    assert tasks.longest(heard.task) == tasks.longest(task)
    assert tasks.task_name(heard.task)


def test_held_out_and_longer_sequences_are_others_than_those_trained_on() -> None:
    task = GroupWords("A5", 6, 5_000)
    data = tasks.fit_data(task, 0, 500, pairs=True)
    known = {row.tobytes() for row in data.train.inputs}
    assert not known & {row.tobytes() for row in data.held_out.inputs}
    longer = tasks.longer(task, 0, (6, 48), 300)
    assert {n: part.inputs.shape for n, part in longer.items()} == {6: (300, 6), 48: (300, 48)}
    assert not known & {row.tobytes() for row in longer[6].inputs}
    assert data.auxiliary is not None
    assert len(data.auxiliary) == 3_600


def test_chance_is_the_share_of_the_commonest_class_that_counts() -> None:
    data = Parity(min_length=3, max_length=5, num_sequences=50).build(0)
    assert data.mask is not None
    counted = data.targets[data.mask]
    assert tasks.chance(data) == max(np.mean(counted == 0), np.mean(counted == 1))
    spread = GroupWords("S3", 4, 50, tokens_per_letter=3).build(0)
    ends = np.bincount(spread.targets[:, 2::3].ravel())
    assert tasks.chance(spread) == ends.max() / ends.sum()


def test_a_failure_counts_only_where_training_could_tell() -> None:
    mamba = steady(SequenceModelRun(task=TASKS["A5"], model="mamba", width=64))
    parity = SequenceModelRun(task=TASKS["parity"], model="mamba")
    dense = SequenceModelRun(task=TASKS["A5"], model="dense", width=64)
    failing = record(mamba, 0.2)
    alone = cells([failing])
    assert outcome(alone[0], alone) == "undertrained"  # it learns nothing at all
    study = cells([failing, record(parity, 1.0), record(dense, 1.0)])
    assert outcome(study[0], study) == "cannot"
    falling = replace(mamba, training=replace(mamba.training, schedule="cosine"))
    study = cells([record(falling, 0.2), record(parity, 1.0), record(dense, 1.0)])
    assert outcome(study[0], study) == "undertrained"
    waited = record(parity, 1.0)
    waited.metrics[1]["step"] = mamba.training.num_steps // 2
    study = cells([failing, waited])
    assert outcome(study[0], study) == "undertrained"  # it has left a longer plateau elsewhere
    rnn = steady(SequenceModelRun(task=TASKS["A5"], model="rnn", width=64))
    solved = SequenceModelRun(task=TASKS["parity"], model="rnn")
    study = cells([record(rnn, 0.2), record(solved, 1.0)])
    assert outcome(study[0], study) == "undertrained"  # a published one solves these words
    rising = record(mamba, 0.2)
    rising.metrics[-1]["token_accuracy"] = 0.4
    study = cells([rising, record(parity, 1.0)])
    assert outcome(study[0], study) == "undertrained"


def test_possible_is_measured_by_the_median_at_eight_times_the_length() -> None:
    runs = [SequenceModelRun(seed=seed) for seed in range(3)]
    (cell,) = cells([record(r, 1.0, far) for r, far in zip(runs, (1.0, 0.95, 0.2), strict=True)])
    assert far_accuracy(cell) == 0.95
    assert is_measured_possible(cell)
    (cell,) = cells([record(r, 1.0, far) for r, far in zip(runs, (1.0, 0.5, 0.2), strict=True)])
    assert not is_measured_possible(cell)


def test_theory_is_violated_by_a_cell_that_does_the_impossible() -> None:
    runs = [SequenceModelRun(model="mamba", seed=seed) for seed in range(3)]
    assert predicted(cells([record(runs[0])])[0]).status == "impossible"
    assert verdict("theory", [record(run, 1.0, 0.5) for run in runs]) == "pass"
    assert verdict("theory", [record(run, 1.0, 0.99) for run in runs]) == "fail"
    assert verdict("theory", [record(run, 0.5) for run in runs]) == "undecided"  # learnt nothing


@pytest.mark.parametrize("preset", linear_cde.PRESETS)
def test_runs_of_both_halves_are_the_same_but_for_the_real_diagonal(preset: str) -> None:
    runs = linear_cde.runs(preset)
    torch = sequence_models.runs(preset if preset != "quick" else "prediction")
    ours, theirs = (
        {str(canonical(r) | {"type": None}) for r in half if r.model in STRUCTURED}
        for half in (runs, torch)
    )
    assert ours
    assert ours <= theirs
    assert ours == theirs or preset == "quick"
    assert {run.model for run in runs} == set(LINEAR_CDES)


def test_quick_in_jax_is_part_of_its_prediction_but_for_the_short_words() -> None:
    held = linear_cde.runs("prediction")
    others = [run for run in linear_cde.runs("quick") if run not in held]
    assert {(run.task, run.model) for run in others} == {(SHORT_WORDS, "diagonal")}


def test_a_claim_of_one_framework_is_not_decided_by_the_other() -> None:
    torch = [record(run, ideal(run)) for run in sequence_models.runs("prediction")]
    failing = [record(run, 0.1) for run in linear_cde.runs("prediction")]
    of_jax = ("words-jax", "diagonals-jax", "theory-jax", "same")
    for claim in claims.CLAIMS:
        if claim.name in of_jax:
            assert claim.judge(torch).status == "not run"
        else:
            assert claim.judge(torch + failing) == claim.judge(torch)
            assert claim.judge(failing).status == "not run"


def test_rows_are_judged_by_resets_and_groups_alike() -> None:
    runs = sequence_models.runs("rows")

    def found(far: Any) -> list[Any]:
        return [record(run, 1.0, far(run)) for run in runs]

    def by_rows(run: Any) -> bool:
        return run.model == "pd_ssm_rows"

    resets = (TASKS["even_pairs"], TASKS["flip_flop"])
    behind = found(lambda run: 0.6 if by_rows(run) and run.task in resets else 1.0)
    assert verdict("rows", behind) == "pass"
    assert verdict("rows", found(lambda run: 1.0)) == "fail"
    assert verdict("rows", found(lambda run: 0.6 if by_rows(run) else 1.0)) == "fail"
    assert verdict("rows", [r for r in behind if r.run.task != TASKS["cycle"]]) == "not run"
    assert not comparisons(cells(behind))  # the claims on horizons are of other classes


def test_claims_of_jax_hold_where_it_finds_what_torch_found() -> None:
    found = [record(steady(run), ideal(run)) for run in linear_cde.runs("quick")]
    assert verdict("words-jax", found) == "pass"
    assert verdict("diagonals-jax", found) == "pass"
    assert verdict("theory-jax", found) == "undecided"  # no forbidden cell learnt its task
    learnt = [record(run, 1.0, ideal(run)) for run in linear_cde.runs("quick")]
    assert verdict("theory-jax", learnt) == "pass"
    assert verdict("same", found) == "not run"
    words = [r for r in sequence_models.runs("quick") if r.task == TASKS["A5"]]
    assert verdict("same", [*found, *(record(run, 1.0) for run in words)]) == "pass"
    assert verdict("same", [*found, *(record(run, 0.9) for run in words)]) == "fail"


def test_frameworks_agree_where_the_ranges_of_their_seeds_meet() -> None:
    runs = [settings.short(LinearCDERun, TASKS["A5"], "dense", seed) for seed in range(3)]
    torch = [settings.short(SequenceModelRun, TASKS["A5"], "dense", seed) for seed in range(3)]
    ours = [record(run, a) for run, a in zip(runs, (0.90, 0.95, 0.99), strict=True)]
    for accuracies, expected in (((0.6, 0.7, 0.895), "pass"), ((0.6, 0.7, 0.88), "fail")):
        theirs = [record(run, a) for run, a in zip(torch, accuracies, strict=True)]
        assert verdict("same", ours + theirs) == expected


def test_a_failure_in_jax_is_not_judged_by_the_steps_that_torch_took() -> None:
    fails = record(steady(settings.short(LinearCDERun, TASKS["A5"], "diagonal", 0)), 0.2)
    slow = record(settings.short(SequenceModelRun, TASKS["A5"], "dense", 0), 1.0)
    slow.metrics = [{"step": 0, "token_accuracy": 0.1}, {"step": 9_999, "token_accuracy": 1.0}]
    learns = record(settings.short(LinearCDERun, TASKS["parity"], "diagonal", 0), 1.0)
    study = cells([fails, slow])
    assert outcome(study[0], study) == "undertrained"
    study = cells([fails, slow, learns])
    assert outcome(study[0], study) == "cannot"


def test_table_and_figures_show_both_frameworks(tmp_path: Any) -> None:
    halves = {"sequence_models": sequence_models, "linear_cde": linear_cde}

    def load(preset: str | None, model_file: str) -> list[Any]:
        runs = halves[model_file].runs("prediction")
        return [record(run, 1.0 if model_file == "linear_cde" else ideal(run)) for run in runs]

    text = table.table(load, "prediction")
    grid = text.partition("## Possible")[0]
    assert "| dense | + 1.00, " in grid
    assert "| dense, JAX | + 1.00, " in grid
    assert "| real diagonal, JAX | + 1.00, " in grid
    assert "real diagonal, JAX on A5" in text.partition("## Claims")[2]
    assert "| tracking.linear_cde | quick |" in text
    paths = figure.draw(load, "prediction", tmp_path)
    assert all(path.stat().st_size > 10_000 for path in paths[::2])


def test_claims_hold_where_training_finds_what_theory_allows() -> None:
    found = [
        record(steady(run), ideal(run))
        for half in (sequence_models, linear_cde)
        for run in half.runs("prediction")
    ]
    short = [run for run in sequence_models.runs("quick") if run.task == SHORT_WORDS]
    found += [record(steady(run), 0.2) for run in short]
    expected = {claim.name: "pass" for claim in claims.CLAIMS}
    expected["theory"] = expected["theory-jax"] = "undecided"  # no forbidden cell learnt its task
    expected["horizon"] = "not run"  # no tracker fails in sight
    expected["overflow"] = "not run"
    expected["rows"] = "not run"  # a preset of its own
    assert {c.name: c.judge(found).status for c in claims.CLAIMS} == expected


def test_a_horizon_is_compared_where_the_tracker_fails_beyond_what_the_prediction_saw() -> None:
    runs = [SequenceModelRun(task=TASKS[name]) for name in ("counting", "Z60", "S3")]
    held = [record(run, 1.0, 0.5) for run in runs]
    assert [c.ratio for c in comparisons(cells(held))] == [pytest.approx(4 / 3)] * 3
    assert verdict("horizon", held) == "fail"  # no better than the constant 4 L
    held[0].notes["prediction"] = {"verdict": "no drift", "steps": None}
    held[1].notes["prediction"] = {"verdict": "not separated", "steps": 0.0}
    assert [c.predicted for c in comparisons(cells(held))] == [float("inf"), 0.0, 48.0]
    held[0].notes["horizon"] = 2 * 20  # seen by the prediction
    held[1].notes["horizon"] = 8 * 12  # survives, though predicted to fail at once
    assert [c.cell.task for c in comparisons(cells(held))] == ["Z60", "S3"]
    held[1].notes["prediction"] = {"verdict": "drifts", "steps": 50.0}  # may yet be right
    assert [c.cell.task for c in comparisons(cells(held))] == ["S3"]
    held[1].notes["prediction"] = {"verdict": "not made"}
    assert [c.cell.task for c in comparisons(cells(held))] == ["S3"]
    assert verdict("horizon", held) == "not run"


def failing(tasks_of: int, *, predicted: Any) -> list[Any]:
    """Trackers of several tasks that fail at 2.5 to 7 times their length."""
    held = []
    for name in list(TASKS)[:tasks_of]:
        for seed, multiple in enumerate((2.5, 3.5, 5.0, 7.0)):
            one = record(SequenceModelRun(task=TASKS[name], seed=seed), 1.0, 0.5)
            longest = tasks.longest(one.run.task)
            one.notes["horizon"] = int(multiple * longest)
            one.notes["prediction"]["steps"] = predicted(multiple) * longest
            held.append(one)
    return held


@pytest.mark.parametrize(
    ("count", "predicted", "expected"),
    [
        (6, lambda multiple: 1.1 * multiple, "pass"),
        (6, lambda multiple: 4.0, "fail"),  # knows no more than the constant
        (6, lambda multiple: 4.0 if multiple < 6 else 9.0, "pass"),
        (6, lambda multiple: 17.5 / multiple, "fail"),  # ranks them the wrong way round
        (4, lambda multiple: multiple, "fail"),  # too few tasks
        (1, lambda multiple: multiple, "not run"),
    ],
)
def test_a_horizon_is_predicted_only_if_better_than_a_constant(
    count: int, predicted: Any, expected: str
) -> None:
    assert verdict("horizon", failing(count, predicted=predicted)) == expected


def test_a_dip_by_chance_ends_no_monotone_horizon() -> None:
    falling = np.array([np.nan, 1.0, 0.97, 0.94, 0.91, 0.6, 0.3])
    assert monotone_horizon(falling) == 5
    falling[2] = 0.89
    assert position_horizon(falling, 0.9) == 2
    assert monotone_horizon(falling) == 5


def test_the_table_prints_the_constants_beside_the_prediction() -> None:
    found = failing(2, predicted=lambda multiple: multiple)
    text = table.table(lambda preset, file: found if file == "sequence_models" else [], "quick")
    rows = text.partition("better than a constant?")[2].partition("## Overflow")[0]
    assert "| torch | all tasks | 8 | 0.00 | 0.39 | 0.39 | 1.00 |" in rows


def test_an_overflow_is_compared_where_single_precision_ends_first() -> None:
    held = [record(SequenceModelRun(task=TASKS[name]), 1.0) for name in ("counting", "Z60")]
    assert verdict("overflow", held) == "not run"
    for one, length in zip(held, (20, 12), strict=True):
        one.notes["single_horizon"] = 4 * length
        one.notes["prediction"]["overflow"] = 4.2 * length
    assert [c.ratio for c in overflows(cells(held))] == [pytest.approx(1.05)] * 2
    assert verdict("overflow", held) == "pass"
    held[0].notes["prediction"]["overflow"] = None
    assert verdict("overflow", held) == "fail"


def test_what_a_tracker_does_is_noted_with_its_predictions_or_why_there_are_none() -> None:
    run = SequenceModelRun(task=GroupWords("S3", 6, 100), num_longer=50, factors=(1, 4))
    right = {"token_accuracy": 1.0, "position_accuracy": [1.0] * 24}
    half = {"token_accuracy": 0.5, "position_accuracy": [1.0] * 12 + [0.0] * 12}
    growing = 10.0 ** np.arange(12)[:, None] * np.eye(6)[_targets(run)]
    tracker = Tracker(lambda data: half, lambda data: right, lambda tokens: growing)
    noted = _noted(run, tracker)
    assert (noted["horizon"], noted["single_horizon"]) == (24, 12)
    assert list(noted["longer"]) == ["6", "24"]
    assert noted["prediction"]["verdict"] == "no drift"
    assert noted["prediction"]["steps"] is None
    assert noted["prediction"]["overflow"] == pytest.approx(20.3, abs=0.1)  # 1e19
    spread = replace(run, task=GroupWords("S3", 2, 100, tokens_per_letter=3), factors=(4,))
    thirds = {
        "token_accuracy": 0.8,
        "position_accuracy": [np.nan, np.nan, 1.0] * 7 + [np.nan] * 2 + [0.0],
    }
    noted = _noted(spread, Tracker(lambda data: thirds, lambda data: thirds, lambda tokens: tokens))
    assert noted["horizon"] == 21  # positions without a target are no failures
    assert "have no target" in noted["prediction"]["reason"]
    few = replace(run, num_longer=1, task=GroupWords("A5", 6, 100))
    nothing = replace(tracker, mixed=lambda tokens: np.zeros((1, 12, 60)))
    assert _noted(few, nothing)["prediction"]["verdict"] == "not made"


def _targets(run: Any) -> np.ndarray:
    (data,) = tasks.longer(run.task, run.data_seed, [12], run.num_longer).values()
    return data.targets


def _noted(run: Any, tracker: Tracker) -> dict[str, Any]:
    noted: dict[str, Any] = {}
    recorder: Any = SimpleNamespace(note=noted.update)
    tracking_run.note_tracking(run, recorder, tracker)
    return noted


def test_claims_fail_where_nothing_is_learnt() -> None:
    found = [record(run, 0.2) for run in sequence_models.runs("quick")]
    for name in ("parity-signed", "counting-complex", "words", "abelian"):
        assert verdict(name, found) == "fail"
    assert verdict("diagonals", found) == "undecided"  # no class learns anything


def test_a_seed_that_diverged_counts_as_nothing() -> None:
    runs = [SequenceModelRun(seed=seed) for seed in range(2)]
    (cell,) = cells([record(runs[0], 1.0), record(runs[1], 0.3, status="diverged")])
    assert cell.accuracies(160).tolist() == [1.0, 0.0]
    assert cell.horizons().tolist() == [160, 0]
    assert cell.chance == 0.5


def test_table_and_figures_are_made_from_records(tmp_path: Any) -> None:
    runs = sequence_models.runs("prediction")
    found = [record(run, ideal(run)) for run in runs]
    found[-1] = record(runs[-1], 1.0, 0.5)  # fails in sight

    def load(preset: str | None, model_file: str) -> list[Any]:
        return found if model_file == "sequence_models" else []

    text = table.table(load, "prediction")
    assert "| A5, 12 | RNN | 36, n = 1 | 48, n = 1 | 1.33, n = 1 | 1 of 1 |" in text
    assert "| Mamba [0, 1] | - 0.50, 0 of " in text
    assert all(KINDS[model].name in text for model in MODELS)
    paths = figure.draw(load, "prediction", tmp_path)
    names = ("tracking", "tracking_lengths", "tracking_horizon")
    assert [path.name for path in paths] == [f"{n}.{e}" for n in names for e in ("png", "pdf")]
    assert all(path.stat().st_size > 10_000 for path in paths[::2])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "mama"}, "model='mama'"),
        ({"depth": 0}, "depth=0"),
        ({"factors": (2, 2)}, "factors"),
        ({"factors": ()}, "factors"),
        ({"model": "dense", "task": TASKS["A5"], "width": 32}, "a unit vector for each token"),
    ],
)
def test_a_run_that_could_give_no_result_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SequenceModelRun(**wrong)


def test_every_model_has_a_kind() -> None:
    assert set(KINDS) == {*MODELS, *ONE_HOT, *LINEAR_CDES}


def test_a_class_that_jax_has_not_is_refused_there() -> None:
    with pytest.raises(ValueError, match="is no linear CDE"):
        LinearCDERun(model="mamba")  # type: ignore[arg-type]


@pytest.mark.parametrize("model", MODELS)
def test_theory_is_told_of_the_class_that_the_mixer_declares(model: Any, needs_torch: None) -> None:
    declared = models.mixer(model, 32).transition_class
    told = KINDS[model].transition
    if told is None:
        assert declared == "nonlinear"
    elif told.size is None and told.structure == "dense":  # as wide as a task needs
        assert replace(declared, size=None) == told
    else:
        assert declared == told
