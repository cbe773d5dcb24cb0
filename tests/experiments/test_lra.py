"""The study of long-range tasks: runs, selection, cells, paired differences, claims, tables."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import made_up
import numpy as np
import pytest

from experiments.best_model import BestModel
from experiments.lra import claims, figure, s4_jax, sequence_models, table, tasks
from experiments.lra.cells import cells
from experiments.lra.differences import Difference, differences, overall, tables
from experiments.lra.ladders import OF_RATES, OF_STEPS, ladders, tuned
from experiments.lra.learned import channels, eigenvalues, layer_tensors
from experiments.lra.training_run import LongRangeRun, fit_data, load
from experiments.report import latex
from experiments.run import canonical
from seqtheory.hippo import diagonal_plus_low_rank
from seqtheory.training import Evaluated, Snapshot, Stepped, Training

LABEL = "ListOps (11 to 63 tokens, generated, 22,500 + 2,500 expressions)"


class Study:
    """Makes records of the quick preset's runs, with accuracies that a function gives."""

    def __init__(self, test: Any = lambda run, framework: 0.5) -> None:
        self.test = test

    def records(self, framework: str = "torch", preset: str = "quick", **facts: Any) -> list[Any]:
        study = s4_jax if framework == "JAX" else sequence_models
        runs = [r for r in study.runs(preset) if _has(r, facts)]
        return [self.record(run, framework) for run in runs]

    def record(self, run: Any, framework: str = "torch", status: str = "done") -> Any:
        accuracy = self.test(run, framework)
        task = type(run.task).__name__
        label = {
            "GeneratedListOps": LABEL,
            "IMDB": "IMDB (first 512 bytes)",
            "DrawnReviews": "Drawn reviews (in place of IMDB)",
            "DrawnImages": "Drawn shapes (in place of grey CIFAR-10)",
        }
        steps = (0, 100, 200)
        notes = {
            "data": {"label": label.get(task, "CIFAR-10 (grey, 16 x 16)")},
            "constant": 0.16,
            "parameters": 18_000,
            "device": "cpu",
        }
        if status == "done":
            parts = {"train": accuracy + 0.05, "validation": accuracy, "test": accuracy}
            notes |= {"accuracy": parts, "selected_step": 200}
        return made_up.record(
            run,
            [{"step": k, "token_accuracy": accuracy * k / 200} for k in steps],
            study="lra.s4_jax" if framework == "JAX" else "lra.sequence_models",
            path=(framework, run),  # the store has each run once
            status=status,
            notes=notes,
            tensors=lambda name: _tensors(),
        )

    def loader(self, *presets: str) -> Any:
        """Give the records of `quick` and of other presets, each run once as the store does."""
        frameworks = {"sequence_models": "torch", "s4_jax": "JAX"}

        def load(preset: str | None, file: str) -> list[Any]:
            name = preset or "quick"
            return self.records(frameworks[file], name) if name in ("quick", *presets) else []

        return load


def _has(run: Any, facts: dict[str, Any]) -> bool:
    return all(getattr(run, name) == value for name, value in facts.items())


def _tensors() -> dict[str, np.ndarray]:
    A = diagonal_plus_low_rank(4).eigenvalues[None, :2]
    parameters = {
        "log_decay": np.log(-A.real),
        "frequency": A.imag,
        "log_dt": np.zeros((1, 1)),
    }
    return layer_tensors(0, np.ones((1, 8)), parameters)


def norms(by: float, spread: float = 0.001) -> Study:
    """Layer normalisation is ahead by so much; seeds differ in a way that pairs remove."""

    def accuracy(run: Any, framework: str) -> float:
        common = 0.03 * run.seed
        own = spread * math.sin(17 * run.seed + len(run.norm) + len(run.position) + len(framework))
        return 0.4 + common + own + (by if run.norm == "layer" else 0.0)

    return Study(accuracy)


def s4(study: Study) -> list[Any]:
    task = tasks.SHORT_LIST_OPS
    both = ("torch", "JAX")
    return [r for f in both for r in study.records(f, model="s4", task=task)]


def verdict(name: str, records: list[Any]) -> str:
    return made_up.verdict(claims.CLAIMS, name, records)


# Runs


def test_the_frameworks_train_the_same_grid_in_the_same_way() -> None:
    def plain(runs: Any) -> set[str]:
        return {
            str({name: value for name, value in canonical(run).items() if name != "type"})
            for run in runs
        }

    for preset, seeds in (("smoke", 1), ("quick", 5)):
        ours = plain(s4_jax.runs(preset))
        assert len(ours) == 4 * seeds
        assert ours <= plain(sequence_models.runs(preset))


@pytest.mark.parametrize("preset", ["quick", "paper"])
def test_every_task_has_the_grid_and_every_model(preset: str) -> None:
    runs = sequence_models.runs(preset)
    for name in ("ListOps", "IMDB", "CIFAR-10"):
        here = [r for r in runs if tasks.short_name(type(r.task).__name__) == name]
        assert {r.model for r in here} == set(sequence_models.MODELS)
        places = {(r.norm, r.position) for r in here if r.model == "s4"}
        assert len(places) == 4


def test_batches_are_whole_where_frameworks_are_compared() -> None:
    for run in s4_jax.runs("quick"):
        assert run.task.task.num_examples * run.task.parts[0] % run.training.batch_size == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gru"}, "expected one of s4"),
        ({"norm": "group"}, "expected one of layer, batch"),
        ({"position": "middle"}, "expected one of pre, post"),
        ({"selection": "train"}, "expected one of validation, test"),
        ({"depth": 0}, "depth=0"),
        ({"model": "lru", "bidirectional": True}, "expected S4 or S4D"),
        ({"model": "transformer", "heads": 3}, "divisor"),
        ({"dropout": 1.0}, r"\[0, 1\)"),
        ({"training": Training()}, "cross_entropy"),
    ],
)
def test_a_run_that_could_give_no_result_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LongRangeRun(**settings)


def test_a_model_without_a_twin_is_refused_in_jax() -> None:
    with pytest.raises(ValueError, match="no twin in JAX"):
        s4_jax.JaxRun(model="mamba")


def test_selection_on_the_test_set_is_an_option() -> None:
    run, *_ = sequence_models.runs("smoke")
    splits = load(run)
    assert fit_data(run, splits).held_out is splits.validation
    upstream = LongRangeRun(task=run.task, selection="test")
    assert fit_data(upstream, splits).held_out is splits.test


def test_presets_of_rates_and_steps_change_the_training_alone() -> None:
    at_rates = [r for study in (s4_jax, sequence_models) for r in study.runs("rates")]
    assert {r.training.learning_rate for r in at_rates} == {3e-3, 1e-2, 3e-2}
    assert {r.training.num_steps for r in at_rates} == {2_000}
    for run in s4_jax.runs("steps"):
        training = run.training
        assert training.learning_rate == 1e-2
        assert training.num_steps == 10 * training.evaluate_every == 10 * training.warmup_steps
    assert [r.training.num_steps for r in s4_jax.runs("steps")[:12:4]] == [500, 2_000, 8_000]
    usual = set(s4_jax.runs("quick"))  # whose records serve all three presets
    assert usual <= set(s4_jax.runs("rates")) & set(s4_jax.runs("steps"))


@pytest.mark.parametrize("preset", ["images", "reviews", "drawn-images", "drawn-reviews"])
def test_both_frameworks_have_the_grid_of_a_task_with_five_seeds(preset: str) -> None:
    ours, theirs = ([canonical(r) for r in s.runs(preset)] for s in (s4_jax, sequence_models))
    assert len(ours) == len(theirs) == 20
    for one, other in zip(ours, theirs, strict=True):
        assert {**one, "type": ""} == {**other, "type": ""}


# Selection


def told(best: BestModel, step: int, accuracy: float) -> None:
    best.see(Evaluated(step, {"token_accuracy": accuracy}))
    tensors = {"model.w": np.array([step]), "optimiser.w": np.zeros(1)}
    best.see(Stepped(step, 9, lambda: Snapshot(step, tensors, {})))


def test_the_earliest_of_the_best_evaluations_is_kept() -> None:
    best = BestModel()
    for step, accuracy in enumerate((0.9, 0.2, 0.5, 0.5, 0.4)):
        told(best, step, accuracy)
    assert (best.step, best.score) == (2, 0.5)
    assert {name: value.tolist() for name, value in best.tensors.items()} == {"w": [2]}


def test_what_is_kept_survives_a_checkpoint() -> None:
    best, again = BestModel(), BestModel()
    snapshot = Snapshot(3, {"model.w": np.array([3.0])}, {"digest": "x"})
    assert best.packed(snapshot) is snapshot  # nothing is kept before the first evaluation
    told(best, 1, 0.5)
    left = again.unpacked(best.packed(snapshot))
    assert (left.tensors.keys(), left.state) == (snapshot.tensors.keys(), snapshot.state)
    assert (again.step, again.score, again.tensors) == (1, 0.5, best.tensors)
    assert again.unpacked(snapshot) is snapshot


# What was learnt


@pytest.mark.parametrize("size", [2, 8, 64])
def test_eigenvalues_before_training_are_those_of_hippo(size: int) -> None:
    A = diagonal_plus_low_rank(size).eigenvalues[None, : size // 2]
    found = eigenvalues(np.log(-A.real), A.imag)
    np.testing.assert_allclose(found, A, rtol=1e-12)
    assert (found.imag > 0).all()


def test_a_record_keeps_a_few_channels_of_a_layer() -> None:
    held = _tensors()
    assert held["kernel.0"].shape == (1, 8)
    assert held["eigenvalues.0"].shape == (1, 2, 2)
    assert held["step.0"].tolist() == [1.0]


@pytest.mark.parametrize(("width", "kept"), [(1, [0]), (2, [0, 1]), (32, [0, 10, 21, 31])])
def test_channels_that_are_kept_are_spread(width: int, kept: list[int]) -> None:
    assert channels(width).tolist() == kept


# Cells and differences


def test_a_cell_has_all_seeds_of_one_framework_norm_and_place() -> None:
    found = cells(s4(Study()))
    assert len(found) == 8
    assert {len(cell.records) for cell in found} == {5}
    assert len(tables(found)) == 1


def test_another_training_or_selection_is_a_table_of_its_own() -> None:
    run = s4_jax.runs("quick")[0]
    longer = LongRangeRun(training=Training(loss="cross_entropy", num_steps=9))
    upstream = LongRangeRun(training=longer.training, selection="test")
    found = cells(Study().record(r) for r in (run, longer, upstream))
    assert len(tables(found)) == 3
    assert found[2].task.endswith("selected on test")


def test_pairs_remove_what_seeds_have_in_common() -> None:
    (one,) = tables(cells(s4(norms(0.02))))
    found = overall(one, "norm")
    assert found is not None
    assert found.values.shape == (4, 5)
    assert found.mean == pytest.approx(2, abs=0.1)
    assert found.excludes_zero
    assert np.std([cell.test_of(s) for cell in one[:1] for s in range(5)]) > 3


def test_the_interval_is_students() -> None:
    found = Difference("norm", "", np.array([1.0, 2.0, 3.0]))
    half = 4.302653 / math.sqrt(3)  # the 97.5 % point at two degrees of freedom
    assert found.interval == pytest.approx((2 - half, 2 + half), abs=1e-5)
    assert not found.excludes_zero
    assert Difference("norm", "", np.array([9.0])).interval == (-math.inf, math.inf)


def test_the_interval_of_a_mean_over_combinations_is_the_wider_one_of_two() -> None:
    lucky = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])  # every seed has the mean 2
    half = 2.776445 * math.sqrt(4 / 4 / 6)  # four degrees of freedom, squares of 4 in all
    assert Difference("norm", "", lucky).interval == pytest.approx((2 - half, 2 + half), abs=1e-5)
    shared = np.array([[1.0, 2.0, 3.0]] * 2)  # seeds have everything in common
    one = Difference("norm", "", shared[0])
    assert Difference("norm", "", shared).interval == pytest.approx(one.interval)


def test_a_seed_that_diverged_takes_part_in_no_pair() -> None:
    study = norms(0.02)
    records = s4(study)
    lost = next(i for i, r in enumerate(records) if r.run.seed == 3)
    run = next(r for r in sequence_models.runs("quick") if r == records[lost].run)
    records[lost] = study.record(run, status="diverged")
    found = cells(records)
    (one,) = tables(found)
    assert found[0].diverged == 1
    counts = [difference.num_seeds for difference in differences(one, "norm")]
    assert sorted(counts) == [4, 4, 5, 5, 5]
    assert verdict("norm", records) == "not run"  # four seeds are too few


def test_a_record_that_was_only_begun_is_not_read() -> None:
    assert cells([SimpleNamespace(finished=False)]) == []


# Claims


def test_an_interval_that_covers_zero_decides_nothing() -> None:
    assert verdict("norm", s4(norms(0.02))) == "pass"
    assert verdict("norm", s4(norms(-0.02))) == "pass"
    base = norms(0.0)

    def accuracy(run: Any, framework: str) -> float:
        return base.test(run, framework) + (0.05 * math.sin(run.seed) if run.norm == "layer" else 0)

    assert verdict("norm", s4(Study(accuracy))) == "undecided"
    assert verdict("position", s4(norms(0.02, spread=0.1))) == "undecided"


def test_a_difference_that_is_none_refutes_that_one_level_is_ahead() -> None:
    assert verdict("norm", s4(norms(0.0))) == "fail"
    assert verdict("position", s4(norms(0.02))) == "fail"


def test_opposite_signs_refute_that_one_level_is_ahead() -> None:
    base = norms(0.0)

    def accuracy(run: Any, framework: str) -> float:
        sign = 1 if run.position == "pre" else -1
        return base.test(run, framework) + (0.03 * sign if run.norm == "layer" else 0.0)

    assert verdict("norm", s4(Study(accuracy))) == "fail"


def test_a_norm_that_is_ahead_in_one_place_alone_is_refuted() -> None:
    base = norms(0.0)

    def accuracy(run: Any, framework: str) -> float:
        ahead = 0.03 if (run.norm, run.position) == ("layer", "post") else 0.0
        return base.test(run, framework) + ahead

    records = s4(Study(accuracy))
    (one,) = tables(cells(records))
    assert overall(one, "norm").excludes_zero
    assert verdict("norm", records) == "fail"


def test_one_framework_alone_does_not_answer_the_question() -> None:
    records = s4(norms(0.02))
    assert verdict("norm", [r for r in records if r.study.endswith("jax")]) == "not run"


@pytest.mark.parametrize(
    ("ahead", "spread", "expected"),
    [(0.0, 0.001, "pass"), (0.05, 0.001, "fail"), (0.02, 0.01, "undecided")],
)
def test_frameworks_agree_within_two_points(ahead: float, spread: float, expected: str) -> None:
    base = norms(0.0, spread)

    def accuracy(run: Any, framework: str) -> float:
        return base.test(run, framework) + (ahead if framework == "JAX" else 0.0)

    assert verdict("frameworks", s4(Study(accuracy))) == expected


@pytest.mark.parametrize(
    ("s5", "expected"), [((0.44, 0.45), "pass"), ((0.4, 0.41), "fail"), ((0.42, 0.45), "undecided")]
)
def test_pixels_are_compared_seed_by_seed(s5: tuple[float, float], expected: str) -> None:
    def accuracy(run: Any, framework: str) -> float:
        return s5[run.seed] if run.model == "s5" else (0.4, 0.41)[run.seed]

    records = Study(accuracy).records(task=tasks.SMALL_IMAGES)
    assert verdict("pixels-s5", records) == expected
    assert verdict("pixels-s5", [r for r in records if r.run.model == "s5"]) == "not run"


# Rates and steps


def of_ladder(preset: str, gap: Any, frameworks: Any = ("torch", "JAX")) -> list[Any]:
    """Records of a preset in which layer - batch is what `gap` gives for the training."""
    base = norms(0.0)

    def accuracy(run: Any, framework: str) -> float:
        by = gap(run) if run.norm == "layer" else 0.0
        return base.test(run, framework) + by

    study = Study(accuracy)
    return [r for f in frameworks for r in study.records(f, preset)]


def test_the_norm_is_judged_at_each_rate() -> None:
    def gap(run: Any) -> float:
        return {3e-3: 0.02, 1e-2: -0.03, 3e-2: 0.0}[run.training.learning_rate]

    records = of_ladder("rates", gap)
    assert [verdict(f"norm{of}", records) for of in ("", "-rate-0.003", "-rate-0.03")] == [
        *("pass", "pass", "fail")
    ]
    assert verdict("norm-rates", records) == "fail"
    assert verdict("norm-rates", of_ladder("rates", lambda run: 0.02)) == "pass"
    two = [r for r in records if r.run.training.learning_rate < 3e-2]
    assert verdict("norm-rates", two) == verdict("norm-tuned", two) == "not run"


def test_each_norm_may_have_a_rate_of_its_own() -> None:
    def gap(run: Any) -> float:  # at the lowest rate layer norm makes up for all that it lacks
        return {3e-3: 0.0, 1e-2: -0.03, 3e-2: -0.05}[run.training.learning_rate]

    records = of_ladder("rates", gap)
    assert verdict("norm", records) == "pass"
    assert verdict("norm-tuned", records) == "fail"
    chosen = tuned(ladders(cells(records), OF_RATES)[0])
    assert len(chosen) == 8
    assert {cell.rate for cell in chosen if cell.norm == "layer"} == {3e-3}
    assert verdict("norm-tuned", of_ladder("rates", lambda run: 0.02)) == "pass"


@pytest.mark.parametrize(
    ("gaps", "lasts", "narrows"),
    [
        ((-0.06, -0.04, -0.02), "pass", "pass"),
        ((-0.02, -0.04, -0.06), "pass", "fail"),
        ((-0.04, -0.04, -0.04), "pass", "fail"),
        ((-0.04, -0.02, 0.0), "fail", "pass"),
        ((-0.03, 0.0, 0.03), "pass", "pass"),
    ],
)
def test_more_steps_may_narrow_the_gap_or_undo_it(gaps: Any, lasts: str, narrows: str) -> None:
    by_steps = dict(zip((500, 2_000, 8_000), gaps, strict=True))
    records = of_ladder("steps", lambda run: by_steps[run.training.num_steps], ("JAX",))
    assert verdict("norm-lasts", records) == lasts
    assert verdict("norm-narrows", records) == narrows
    assert verdict("norm", records) == "not run"  # one framework
    short_ones = [r for r in records if r.run.training.num_steps < 8_000]
    assert verdict("norm-lasts", short_ones) == verdict("norm-narrows", short_ones) == "not run"


def test_rungs_compare_frameworks_that_all_of_them_have() -> None:
    """Of `quick` torch has the middle rung alone, where its difference is another one."""

    def accuracy(run: Any, framework: str) -> float:
        by = -0.02 if framework == "JAX" else 0.04
        return norms(0.0).test(run, framework) + (by if run.norm == "layer" else 0.0)

    study = Study(accuracy)
    records = [*study.records(task=tasks.SHORT_LIST_OPS), *study.records("JAX", "steps")]
    (ladder,) = ladders(cells(records), OF_STEPS)
    assert [table[0].num_steps for table in ladder] == [500, 2_000, 8_000]
    assert {cell.framework for table in ladder for cell in table} == {"JAX"}
    assert verdict("norm-lasts", records) == "pass"


@pytest.mark.parametrize("name", ["norm", "position"])
def test_what_is_drawn_is_judged_only_where_there_is_nothing_else(name: str) -> None:
    gap = norms(0.02 if name == "norm" else 0.0).test
    placed = Study(lambda run, f: gap(run, f) + (0.02 if run.position == "pre" else 0.0))
    held = {p: [*placed.records(preset=p), *placed.records("JAX", p)] for p in (
        *("images", "drawn-images"),
    )}  # fmt: skip
    claim = f"{name}-images"
    assert verdict(claim, held["drawn-images"]) == verdict(claim, held["images"]) == "pass"
    (judged,) = (c for c in claims.CLAIMS if c.name == claim)
    assert "Drawn" in judged.judge(held["drawn-images"]).detail
    assert "Drawn" not in judged.judge(held["images"] + held["drawn-images"]).detail
    assert verdict(name, held["images"]) == "not run"


# Tables and figures


def test_table_holds_the_answer_every_cell_and_the_published_numbers() -> None:
    text = table.table(norms(0.02).loader(), "quick")
    for part in (
        "layer ahead; after the residual",
        f"{LABEL}: 3 layers of 32, 2,000 steps of 50, at the rate 0.01. Published at full scale: "
        "58.35 (2021)",
        "| published, 2021 | batch | post | not printed | not printed | not printed | 58.35 |",
        "| JAX | batch | post | 5 |",
        "| layer - batch | mean of 4 | +",
        "| Transformer | 0.001 | 18,000 | 2 |",
        r"\begin{tabular}{lllllll}",
        r"a \| b",
        "| lra.s4_jax | quick | 20 | 0 |",
    ):
        assert part in text, part
    undecided = table.table(norms(0.0, spread=0.02).loader(), "quick")
    assert "undecided; after the residual" in undecided


def rows_of(text: str) -> list[list[str]]:
    """Cells of all rows of the tables of a text."""
    lines = (line for line in text.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_no_cell_of_a_table_is_empty_and_what_was_not_run_names_its_command() -> None:
    text = table.table(norms(0.02).loader(), "quick")
    assert all(cell for row in rows_of(text) for cell in row)
    lacking = [row for row in rows_of(text) if row[:1] == ["JAX"] and row[3] == "0"]
    assert len(lacking) == 8  # images and reviews
    for row in lacking:
        assert row[4:6] == ["not run", "not run"]
        assert "run lra.s4_jax --preset" in row[6]
        assert "core-hours" in row[6]
    whole = table.table(norms(0.02).loader("images", "reviews", "rates"), "quick")
    assert "not run: `python" not in whole
    assert "| 2,000 | 0.003 | torch, JAX | +2" in whole
    answers = [line for line in whole.splitlines() if "over both frameworks:" in line]
    assert len(answers) == 5
    assert sum("at the rate 0.003, layer - batch" in line for line in answers) == 1
    ours = [row for row in rows_of(whole) if row[:1] == ["JAX"] and len(row) == 7]
    assert len(ours) == 4 * 5  # three rates, images, reviews
    assert {row[3] for row in ours} == {"5"}


def test_a_task_without_records_stands_in_the_table_with_its_commands() -> None:
    study = norms(0.02)

    def load(preset: str | None, file: str) -> list[Any]:
        task = tasks.SHORT_LIST_OPS
        return study.records("JAX", task=task) if (preset, file) == ("quick", "s4_jax") else []

    text = table.table(load, "quick")
    for part in ("IMDB: 3 layers of 32, 600 steps", "CIFAR-10: 3 layers of 32, 1,000 steps"):
        assert part in text
    assert "run lra.sequence_models --preset reviews" in text


def test_drawn_data_are_called_drawn_and_have_no_published_number() -> None:
    study = norms(0.02)
    text = table.table(study.loader("drawn-reviews"), "quick")
    part = text[text.index("Drawn reviews (in place of IMDB): 3 layers") :]
    part = part[: part.index("\n\n", part.index("| JAX |"))]
    assert "It stands in for IMDB." in part
    assert "published" not in part.lower()


@pytest.mark.parametrize("presets", [("rates",), ("steps",), ("rates", "steps")])
def test_the_figure_of_rates_is_drawn_where_there_are_several(tmp_path: Any, presets: Any) -> None:
    paths = figure.draw(norms(0.02).loader(*presets), "quick", tmp_path)
    assert [path.name for path in paths[-2:]] == ["lra_rates.png", "lra_rates.pdf"]
    assert len(paths) == 6


@pytest.mark.parametrize("preset", ["smoke", "paper"])
def test_other_presets_are_shown_beside_quick_alone(preset: str) -> None:
    asked: list[str | None] = []

    def load(name: str | None, file: str) -> list[Any]:
        asked.append(name)
        return []

    assert table.judged(load, preset)[0].records == []
    assert set(asked) == {preset}


def test_figures_are_drawn_from_whatever_is_there(tmp_path: Any) -> None:
    paths = figure.draw(norms(0.02).loader(), "quick", tmp_path)
    assert [path.name for path in paths] == [
        "lra.png", "lra.pdf", "lra_kernels.png", "lra_kernels.pdf"
    ]  # fmt: skip
    assert all(path.stat().st_size > 1_000 for path in paths)


def test_table_and_figure_of_nothing_are_empty_not_broken(tmp_path: Any) -> None:
    def nothing(preset: str, file: str) -> list[Any]:
        return []

    assert "Not run" in table.table(nothing, "quick")
    assert len(figure.draw(nothing, "quick", tmp_path)) == 2


def test_latex_prints_every_sign() -> None:
    text = latex.tabular(["a", "b"], [["50 %", r"x_1 & \y^2"]])
    assert text.splitlines() == [
        r"\begin{tabular}{ll}",
        r"a & b \\",
        r"\hline",
        r"50 \% & x\_1 \& \textbackslash{}y\textasciicircum{}2 \\",
        r"\end{tabular}",
    ]
