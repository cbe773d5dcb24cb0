"""The stability study: its runs, targets, what is watched in training, cells, claims, figures."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest

from experiments.data.attention import over_past
from experiments.stability import claims, figure, functionals, images, table
from experiments.stability.functionals import FunctionalRun
from experiments.stability.gradient_ratio import comparable, ratios, starting_ratio
from experiments.stability.images import ImageRun
from experiments.stability.sweep import cells, largest_rate, map_name, task_name
from experiments.stability.targets import CausalAttention, LinearFunctional, RandomFilter
from experiments.stability.training_run import RATES, STARTS, swept
from seqtheory.reparameterisation import Best, Direct, Exp, Softplus
from seqtheory.training import Training

KINDS = {kind.__name__: kind for kind in (Direct, Exp, Softplus, Best)}


def record(
    *rmse: float,
    kind: str = "Direct",
    rate: float = 5e-3,
    seed: int = 0,
    upstream: bool = False,
    length: int = 100,
    ratio: float = 1.0,
    images: bool = False,
) -> Any:
    """A record of two channels, the second of which has a tenth of the first's ratio."""
    facts: Any = {"parameterisation": KINDS[kind](), "upstream_sign": upstream, "seed": seed}
    notes: dict[str, Any] = {"constant": 1.0}
    if images:
        training = Training(learning_rate=rate, loss="cross_entropy")
        run = ImageRun(**facts, training=training)
        notes["data"] = {"label": "Fashion-MNIST (subset of 10 + 5 images)"}
    else:
        training = Training(learning_rate=rate, loss="squared_error")
        run = FunctionalRun(**facts, task=LinearFunctional(length=length), training=training)
    name = "loss" if images else "rmse"
    more = {"gradient_over_weight": [ratio, ratio / 10]}
    lines = [{"step": k, name: value, **(more if k else {})} for k, value in enumerate(rmse)]
    lost = math.isnan(rmse[-1])
    return made_up.record(
        run,
        lines[:-1] if lost else lines,
        status="diverged" if lost else "done",
        study="stability.images" if images else "stability.functionals",
        notes=notes,
    )


def verdict(name: str, *records: Any) -> str:
    return made_up.verdict(claims.CLAIMS, name, records)


def ordered(**facts: Any) -> list[Any]:
    """A sweep in which best bears more than exp, and exp more than direct."""
    lost = math.nan
    outcomes = {
        "Direct": {5e-3: 0.5, 5e-2: lost, 5e-1: lost},
        "Exp": {5e-3: 0.5, 5e-2: 0.6, 5e-1: 3.0},
        "Softplus": {5e-3: 0.5, 5e-2: 0.6, 5e-1: 3.0},
        "Best": {5e-3: 0.5, 5e-2: 0.6, 5e-1: 0.9},
    }
    scale = {"Direct": 100.0, "Exp": 10.0, "Softplus": 11.0, "Best": 1.0}
    return [
        record(2.0, final, kind=name, rate=rate, ratio=scale[name], **facts)
        for name, finals in outcomes.items()
        for rate, final in finals.items()
    ]


# Runs


def test_a_sweep_has_every_start_rate_and_seed() -> None:
    runs = swept(functionals.FunctionalRun())
    assert len(runs) == len(STARTS) * len(RATES) * 3
    signs = {(type(run.parameterisation).__name__, run.upstream_sign) for run in runs}
    assert len(signs) == 5
    assert ("Direct", True) in signs
    assert {run.training.learning_rate for run in runs} == set(RATES)
    assert {run.seeded_training.seed for run in runs} == {0, 1, 2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 0}, "width=0"),
        ({"depth": 0}, "depth=0"),
        ({"state_dim": 3}, "even number"),
        ({"parameterisation": Exp(), "upstream_sign": True}, "expected Direct"),
        ({"held_out": 0}, "held_out=0"),
        ({"held_out": 3_500}, "at most 3,499"),
        ({"training": Training(loss="cross_entropy")}, "squared_error"),
    ],
)
def test_a_run_that_could_not_be_done_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        functionals.FunctionalRun(**settings)


def test_images_are_learnt_as_classes() -> None:
    with pytest.raises(ValueError, match="cross_entropy"):
        images.ImageRun(training=Training())


def test_a_constant_prediction_knows_the_shares_of_the_classes() -> None:
    assert images.entropy(np.arange(10)) == pytest.approx(math.log(10))
    assert images.entropy(np.array([3, 3, 3])) == 0
    assert images.entropy(np.array([0, 2, 2, 2])) == pytest.approx(0.562335)


# Targets


@pytest.mark.parametrize(
    "target",
    [
        LinearFunctional(length=12, num_sequences=5),
        CausalAttention(length=12, num_sequences=5, channels=3),
        CausalAttention(length=12, num_sequences=5, channels=3, projected=True),
    ],
    ids=repr,
)
def test_a_target_is_the_same_function_of_any_sequences(target: Any) -> None:
    data, again = target.build(0), target.build(0)
    np.testing.assert_array_equal(data.targets, again.targets)
    assert not np.array_equal(data.inputs, target.build(1).inputs)
    assert data.inputs.shape == data.targets.shape == (5, 12, getattr(target, "channels", 1))


def test_attention_sees_the_past_alone() -> None:
    x = np.random.default_rng(0).standard_normal((2, 9, 3))
    changed = x.copy()
    changed[:, 6:] += 1.0
    before, after = over_past(x, x, x), over_past(changed, changed, changed)
    np.testing.assert_array_equal(before[:, :6], after[:, :6])
    assert np.all(np.abs(before - after)[:, 6:].max(axis=-1) > 1e-3)
    np.testing.assert_allclose(before[:, 0], x[:, 0])


def test_attention_is_a_softmax_of_scaled_products() -> None:
    q, k, v = np.random.default_rng(1).standard_normal((3, 1, 4, 5))
    scores = np.array([q[0, 3] @ k[0, j] / np.sqrt(5) for j in range(4)])
    weights = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(over_past(q, k, v)[0, 3], weights @ v[0])


def test_attention_does_not_depend_on_the_blocks_it_is_computed_in() -> None:
    many = CausalAttention(length=4, num_sequences=300, channels=2).build(0)
    x = many.inputs[290:]
    np.testing.assert_allclose(over_past(x, x, x), many.targets[290:])


@pytest.mark.parametrize("network", ["rnn", "transformer"])
def test_a_filter_is_causal_and_reads_one_sequence(network: Any) -> None:
    target = RandomFilter(network=network, length=10)
    x = np.random.default_rng(0).standard_normal((3, 10, 1))
    changed = x.copy()
    changed[0, 6:] += 1.0
    before, after = target(x), target(changed)
    np.testing.assert_allclose(before[0, :6], after[0, :6], rtol=0, atol=1e-14)
    np.testing.assert_allclose(before[1:], after[1:], rtol=0, atol=1e-14)
    assert abs(before[0, 6] - after[0, 6]) > 1e-3


def test_the_published_filter_mixes_sequences_and_has_no_memory() -> None:
    target = RandomFilter(network="transformer", attends="samples", length=6)
    x = np.random.default_rng(0).standard_normal((3, 6, 1))
    changed = x.copy()
    changed[0, 2] += 1.0
    before, after = target(x), target(changed)
    assert np.all(np.abs(before - after)[1:, 2] > 1e-6)
    np.testing.assert_allclose(before[0, 3:], after[0, 3:], rtol=0, atol=1e-14)


def test_the_memory_of_a_filter_is_its_response_to_a_pulse() -> None:
    memory = RandomFilter(network="rnn").memory(60)
    assert abs(memory[0]) > 1e-2
    assert 0 < np.abs(memory[40:]).max() < 1e-2 * np.abs(memory).max()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LinearFunctional(length=0), "length=0"),
        (lambda: CausalAttention(channels=0), "channels=0"),
        (lambda: RandomFilter(network="lstm"), "expected one of rnn"),
        (lambda: RandomFilter(attends="all", network="transformer"), "expected one of past"),
        (lambda: RandomFilter(attends="samples"), "no attention"),
        (lambda: RandomFilter(width=0), "width=0"),
    ],
)
def test_a_target_that_there_is_not_is_refused(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


# Cells


def test_seeds_are_joined_and_a_diverged_one_is_a_row() -> None:
    found = cells([record(2.0, 1.0), record(2.0, math.nan, seed=1)])
    (cell,) = found
    assert cell.diverged == 1
    assert not cell.is_stable
    np.testing.assert_allclose(cell.final[0], 1.0)
    assert largest_rate(found) == 0


def test_a_training_that_is_lost_at_once_still_has_its_initial_loss() -> None:
    (cell,) = cells([record(2.0, math.nan)])
    assert cell.initial == [4.0]
    assert math.isnan(cell.final[0])


def test_stable_is_less_than_to_learn() -> None:
    (cell,) = cells([record(2.0, 1.5)])
    assert cell.is_stable
    assert not cell.learns
    assert largest_rate([cell]) == 5e-3
    assert largest_rate([cell], learns=True) == 0


def test_best_as_in_the_published_code_is_a_map_of_its_own() -> None:
    paper, code = record(2.0, 0.5, kind="Best"), record(2.0, 0.5, kind="Best")
    code = made_up.changed(code, parameterisation=Best(b=0.1))
    assert [cell.map for cell in cells([paper, code])] == ["best", "best, b = 0.1"]
    assert {cell.task for cell in cells([paper, code])} == {
        "linear functional, polynomial memory, length 100"
    }
    assert list(comparable(cells([*ordered(), code]))[5e-3]) == [
        "direct",
        "exp",
        "softplus",
        "best",
    ]
    load = {"functionals": [*ordered(), code]}
    assert "| best, b = 0.1 | 0.25, n = 1 |" in table.table(
        lambda _, file: load.get(file, []), None
    )


def test_an_unfinished_record_is_no_cell() -> None:
    begun = record(2.0, 1.0)
    begun.finished = False
    assert cells([begun]) == []


def test_sweeps_are_told_apart_by_what_was_learnt() -> None:
    names = {task_name(r) for r in (record(1.0), record(1.0, length=784), record(1.0, images=True))}
    assert len(names) == 3
    assert "Fashion-MNIST (subset of 10 + 5 images), length 784" in names
    assert map_name(record(1.0, upstream=True).run) == "direct, upstream sign"


def test_ratios_are_read_from_the_first_step_on() -> None:
    found = ratios(record(2.0, 1.0, 0.9, ratio=5.0))
    assert found.steps.tolist() == [1, 2]
    assert found.peaks.tolist() == [5.0, 5.0]
    assert found.largest == 5.0
    assert found.spread == pytest.approx(2.25)
    assert found.relative_spread == pytest.approx(2.25 / 2.75)


def test_maps_are_compared_at_rates_that_all_of_them_bear() -> None:
    rows = comparable(cells(ordered()))
    assert list(rows) == [5e-3]
    assert list(rows[5e-3]) == ["direct", "exp", "softplus", "best"]


# Claims


def test_the_order_of_largest_rates_is_judged() -> None:
    assert verdict("order", *ordered()) == "pass"
    swapped = [r for r in ordered() if r.run.parameterisation != Direct()]
    swapped += [record(2.0, 0.5, rate=rate) for rate in (5e-3, 5e-2, 5e-1)]
    assert verdict("order", *swapped) == "fail"
    assert verdict("order", *ordered()[:3]) == "not run"
    assert verdict("order-images", *ordered()) == "not run"
    assert verdict("order-images", *ordered(images=True)) == "pass"


def test_a_tie_in_one_seed_refutes_the_order() -> None:
    second = ordered(seed=1)
    tied = [r for r in second if not isinstance(r.run.parameterisation, Best)]
    tied += [record(2.0, 0.6, kind="Best", rate=5e-2, seed=1)]  # no further than exp
    assert verdict("order", *ordered(), *second) == "pass"
    assert verdict("order", *ordered(), *tied) == "fail"
    assert (
        verdict("order", *(r for r in ordered() if r.run.training.learning_rate < 1e-2)) == "fail"
    )


def test_best_is_held_to_end_below_exp_seed_by_seed() -> None:
    def pair(best: float, exp: float, seed: int) -> list[Any]:
        facts: dict[str, Any] = {"rate": 5e-2, "seed": seed}
        return [record(2.0, best, kind="Best", **facts), record(2.0, exp, kind="Exp", **facts)]

    assert verdict("best-over-exp", *pair(0.5, 0.6, 0), *pair(0.5, math.nan, 1)) == "pass"
    assert verdict("best-over-exp", *pair(0.5, 0.6, 0), *pair(0.61, 0.6, 1)) == "fail"
    assert verdict("best-over-exp", record(2.0, 0.5, kind="Best", rate=5e-2)) == "not run"


def test_best_must_have_the_smallest_ratios() -> None:
    assert verdict("ratio-largest", *ordered()) == "pass"
    assert verdict("ratio-spread", *ordered()) == "pass"
    worse = ordered()
    for line in worse[-3].metrics[1:]:
        line["gradient_over_weight"] = [1000.0, 1000.0]
    assert verdict("ratio-largest", *worse) == "fail"
    assert verdict("ratio-spread", *worse) == "pass"
    assert verdict("ratio-largest", *ordered()[:6]) == "not run"


def test_ratios_are_held_to_what_the_maps_give_at_the_start() -> None:
    kinds = ("Direct", "Exp", "Softplus", "Best")
    at_start = {kind: starting_ratio(kind.lower()) for kind in kinds}
    assert at_start == pytest.approx(
        {"Direct": 2.0, "Exp": 0.5 / math.log(2), "Softplus": 0.909, "Best": 0.5}, rel=1e-3
    )
    facts: dict[str, Any] = {"rate": 5e-6}
    still = [record(2.0, 1.0, kind=kind, ratio=at_start[kind], **facts) for kind in kinds]
    smaller, larger = (record(2.0, 1.0, kind="Best", ratio=r, **facts) for r in (0.4, 0.6))
    assert verdict("ratio-start", *still) == "pass"
    assert verdict("ratio-start", *still[:-1], larger) == "fail"
    assert verdict("ratio-start", *ordered()) == "not run"
    assert verdict("ratio-grows", *still[:-1], smaller) == "pass"
    assert verdict("ratio-grows", *still[:-1], larger) == "fail"


def test_the_published_nan_rows_are_looked_for() -> None:
    lost = [record(2.0, math.nan, rate=rate, upstream=True, length=784) for rate in (5e-3, 5e-2)]
    kept = record(2.0, 1.0, rate=5e-4, upstream=True, length=784)
    assert verdict("nan-rows", *lost, kept) == "pass"
    assert verdict("nan-rows", *lost[1:], kept) == "not run"
    early = record(2.0, math.nan, rate=5e-4, upstream=True, length=784)
    assert verdict("nan-rows", *lost, early) == "fail"
    late = record(2.0, 1.0, rate=5e-3, upstream=True, length=784, seed=1)
    assert verdict("nan-rows", *lost, late) == "fail"
    assert verdict("nan-rows", *lost, lost[0], late, kept) == "pass"


def test_the_fair_sign_is_held_to_the_rate_that_the_published_one_breaks_at() -> None:
    fair = record(2.0, 1.0, rate=5e-3, length=784)
    assert verdict("sign", fair, record(2.0, math.nan, rate=5e-1, length=784)) == "pass"
    assert verdict("sign", record(2.0, math.nan, rate=5e-3, length=784)) == "fail"
    assert verdict("sign", record(2.0, 1.0, rate=5e-3)) == "not run"


# Figures and table


def test_figures_and_table_are_made_from_any_of_the_sweeps(tmp_path: Path) -> None:
    def load(preset: str | None, file: str) -> list[Any]:
        return {"functionals": ordered(), "images": ordered(images=True)}.get(file, [])

    paths = figure.draw(load, None, tmp_path)
    assert {path.name for path in paths} >= {"stability.png", "gradient_over_weight.pdf"}
    text = table.table(load, None)
    assert "| direct | 0.25, n = 1 | NaN 1 of 1 |" in text
    assert "| 0.5 (0.005 to 0.5), n = 1 |" in text
    assert "| direct | 1 of 1 | 0 of 1 |" in text


def test_a_sweep_with_nothing_in_common_has_one_figure(tmp_path: Path) -> None:
    def load(preset: str | None, file: str) -> list[Any]:
        return ordered()[:3] if file == "functionals" else []

    assert {path.stem for path in figure.draw(load, None, tmp_path)} == {"stability"}
    assert "**not run**" in table.table(load, None)


def test_the_largest_rate_of_a_map_that_bears_none_is_said() -> None:
    lost = {"functionals": [record(2.0, math.nan)]}
    text = table.table(lambda preset, file: lost.get(file, []), None)
    assert "none (none)" in text


def test_direct_is_the_first_of_the_fair_starts() -> None:
    assert STARTS[1].parameterisation == Direct()
    assert not STARTS[1].upstream_sign
