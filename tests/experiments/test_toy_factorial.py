"""The trained factorial as a study: its data, theory's floor, claims, table and figure."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

import made_up
import numpy as np
import pytest
from made_up import InMemory

from experiments.toy import factorial, factorial_claims, factorial_figure, factorial_table, table
from experiments.toy.factorial import FactorialRun, walks
from experiments.toy.factorial_cells import effects, factorial_cells
from experiments.toy.fed import FedPaths, fed_of, label_variance
from experiments.toy.floor import one_layer_floor
from experiments.toy.growing import GrowingPaths
from seqtheory import signature
from seqtheory.training import Training

BARE, FLOORED = factorial_claims.BARE, factorial_claims.FLOORED
POOR, RICH = factorial_claims.POOR, factorial_claims.RICH
TINY = Training(num_steps=4, evaluate_every=2)


def record(ratio: float, way: Any = RICH, depth: int = 1, seed: int = 0, **task: Any) -> Any:
    fed, readout, follows = way
    channels, length = task.get("channels", 3), task.get("length", 20)
    facts: Any = {"fed": fed, "readout": readout, "input_dependent_C": follows, "depth": depth}
    run = FactorialRun(task=walks(channels, length, 40), seed=seed, **facts)
    lines = [{"step": 0, "rmse": 2.0}, {"step": task.get("steps", 5_000), "rmse": 2 * ratio}]
    return made_up.record(run, lines, notes={"predict_zero": 2.0})


def cell(ratio: float, way: Any = RICH, depth: int = 1, **task: Any) -> list[Any]:
    return [record(ratio, way, depth, seed, **task) for seed in (0, 1, 2)]


def pair(one: float, two: float, way: Any) -> list[Any]:
    return cell(one, way, 1) + cell(two, way, 2)


def verdict(name: str, *records: Any) -> str:
    return made_up.verdict(factorial_claims.CLAIMS, name, records)


def test_increments_begin_at_zero_and_sum_to_the_values():
    values = np.cumsum(np.random.default_rng(0).standard_normal((2, 5, 3)), axis=1)
    values = signature.add_basepoint(values)
    both = fed_of(values, "both")
    assert (both[:, 0] == 0).all()
    np.testing.assert_allclose(np.cumsum(both[..., 3:], axis=1), both[..., :3])
    assert (fed_of(values, "values") == both[..., :3]).all()
    assert (fed_of(values, "increments") == both[..., 3:]).all()


@pytest.mark.parametrize("channels", [2, 3])
def test_inputs_and_labels_have_unit_variance(channels):
    data = FedPaths(walks(channels, 12, 20_000), "both").build(seed=0)
    spread = np.square(data.inputs.astype(float)).mean(axis=(0, 1))
    np.testing.assert_allclose(spread, 1.0, rtol=0.05)
    assert np.square(data.targets.astype(float)).mean() == pytest.approx(1.0, rel=0.1)
    assert data.inputs.dtype == data.targets.dtype == np.float32


def test_the_variance_of_a_label_is_as_in_closed_form():
    assert label_variance(2, 19) == pytest.approx(19 * 18 / 2 + 19 / 4)
    assert label_variance(3, 19) == pytest.approx(969 + 19 * 18 / 4 + 19 / 36)


@pytest.mark.parametrize("rest", [0, 3])
def test_the_integral_of_a_walk_is_one_function_whatever_its_rest(rest):
    data = FedPaths(walks(3, 6, 2_000), "values", rest=rest).build(seed=0)
    whole = FedPaths(walks(3, 6, 2_000), "values").build(seed=1)
    assert (data.inputs[:, : rest + 1] == 0).all()
    integral = signature.coefficient(data.inputs.astype(float), (0, 1, 2))
    unit = signature.coefficient(whole.inputs.astype(float), (0, 1, 2)) / whole.targets
    np.testing.assert_allclose(integral / unit[0], data.targets, rtol=1e-3, atol=1e-5)
    ends = [np.square(found.inputs[:, -1]).mean() for found in (data, whole)]
    assert ends[0] == pytest.approx(ends[1], rel=0.1)


def test_walks_grow_to_all_their_steps_and_are_drawn_anew():
    stream = GrowingPaths(FedPaths(walks(3, 6, 10), "increments"), over=8)
    moving = [stream.batch(8, seed=0, step=step).inputs.any(axis=2) for step in (0, 4, 8)]
    assert [found.sum(axis=1).max() for found in moving] == [2, 3, 5]
    first, second = (stream.batch(8, seed=0, step=step) for step in (8, 9))
    assert first.inputs.shape == (8, 6, 3)
    assert not np.isclose(first.targets, second.targets).any()
    assert GrowingPaths(stream.paths, over=0).moving(0) == 5
    assert GrowingPaths(stream.paths, over=9).description != stream.description


@pytest.mark.needs_torch
@pytest.mark.parametrize(("readout", "follows"), [("last", False), ("mean", False), ("last", True)])
def test_one_layer_fed_increments_does_not_see_the_part_that_makes_the_floor(readout, follows):
    """Averaged over orders and signs of the increments, the layer's product with it is zero."""
    import torch

    steps = 4 if follows else 3
    unseen = 3  # increments among which the layer cannot tell the order of the later two
    drawn = np.random.default_rng(1).standard_normal((steps, 3))
    flips = list(product((-1, 1), repeat=unseen))
    drawn_anew = [
        np.concatenate([drawn[list(order)] * np.array(flip)[:, None], drawn[unseen:]])
        for order in permutations(range(unseen))
        for flip in flips
    ]
    increments = np.stack(drawn_anew)
    fed = np.concatenate([np.zeros_like(increments[:, :1]), increments], axis=1)
    (i, j, k) = (increments[:, place] for place in range(unseen))
    part = i[:, 0] * (j[:, 1] * k[:, 2] - k[:, 1] * j[:, 2]) / 2

    def product_with(depth: int) -> float:
        way: Any = {"fed": "increments", "readout": readout, "input_dependent_C": follows}
        run = FactorialRun(**way, depth=depth, width=8, state_dim=4)
        model = factorial.model_config(run).build(0).double()
        with torch.no_grad():
            found = model(torch.from_numpy(fed))[:, 0].numpy()
        return float(abs((found * part).mean()) / np.abs(found * part).max())

    assert product_with(depth=1) < 1e-14
    assert product_with(depth=2) > 1e-10


def test_a_floor_is_where_theory_has_one():
    def floor(fed: str, readout: str, follows: bool, channels: int = 3) -> float | None:
        return one_layer_floor(
            20, channels=channels, fed=fed, readout=readout, input_dependent_C=follows
        )

    assert floor("increments", "last", False) == floor("increments", "mean", False)
    assert floor("increments", "last", True) == pytest.approx(0.6218, abs=1e-4)
    assert floor("increments", "mean", True) is None
    assert floor("both", "last", False) is None
    assert floor("increments", "last", False, channels=2) is None


@pytest.mark.needs_torch
def test_a_cell_is_trained_on_fresh_paths_and_measured_on_others():
    recorder = InMemory()
    run = FactorialRun(task=walks(3, 5, 20), width=4, state_dim=2, training=TINY)
    factorial.execute(run, recorder)
    assert [line["step"] for line in recorder.lines] == [0, 2, 4]
    assert recorder.notes["num_held_out"] == 20
    (cell,) = factorial_cells([made_up.record(run, recorder.lines, notes=recorder.notes)])
    assert cell.name == "both, mean, C from the input"
    assert np.isfinite(cell.final).all()


@pytest.mark.needs_torch
def test_exact_cells_are_those_with_exact_weights():
    from seq_torch.constructed import IntegralCell

    for fed, readout, follows, depth in product(
        ("values", "increments", "both"), ("last", "mean"), (False, True), (1, 2)
    ):
        (cell,) = factorial_cells([record(0.1, (fed, readout, follows), depth)])
        by_hand = IntegralCell(
            letters=3, fed=fed, readout=readout, input_dependent_C=follows, depth=depth
        )
        assert factorial_claims.is_exact(cell) == (by_hand.representable == "exact")


def test_the_second_layer_must_pass_the_floor_and_the_first_must_not():
    assert verdict("g", *pair(0.63, 0.2, FLOORED)) == "pass"
    assert verdict("g", *pair(0.63, 0.62, FLOORED)) == "fail"
    assert verdict("g", *pair(0.4, 0.2, FLOORED)) == "fail"
    assert verdict("g", *pair(0.69, 0.2, BARE)) == "not run"
    assert verdict("g-fixed-C", *pair(0.69, 0.2, BARE)) == "pass"
    assert verdict("g-floors", *cell(0.5, BARE)) == "fail"
    assert verdict("g-floors", *cell(0.7, BARE), *cell(0.6, FLOORED)) == "pass"


def test_every_seed_counts():
    *found, _ = pair(0.63, 0.2, FLOORED)
    assert verdict("g", *found) == "not run"
    assert verdict("g", *found, record(0.7, FLOORED, 2, seed=2)) == "fail"
    assert "decide none of the claims" in factorial_table.meaning(found)


def test_one_layer_must_be_enough_where_it_represents_the_integral():
    assert verdict("g-one-layer", *pair(0.3, 0.1, RICH)) == "pass"
    assert verdict("g-one-layer", *pair(0.31, 0.1, RICH)) == "fail"
    assert verdict("g-gap", *pair(0.7, 0.1, POOR), *pair(0.1, 0.05, RICH)) == "pass"
    assert verdict("g-gap", *pair(0.7, 0.6, POOR), *pair(0.1, 0.05, RICH)) == "fail"
    assert verdict("g-fivefold", *pair(0.7, 0.13, POOR)) == "pass"
    assert verdict("g-fivefold", *pair(0.7, 0.15, POOR)) == "fail"
    assert verdict("g-values", *pair(0.8, 0.16, factorial_claims.PUBLISHED)) == "pass"
    assert verdict("g-values", *pair(0.8, 0.7, factorial_claims.PUBLISHED)) == "fail"
    assert verdict("g-exact", *cell(0.31)) == "fail"


def test_a_smoke_run_judges_nothing():
    assert verdict("g-exact", *cell(0.1, steps=20)) == "not run"
    assert verdict("g-exact", *cell(0.1, channels=2)) == "not run"


def test_effects_are_over_pairs_that_differ_in_one_factor():
    cells = factorial_cells([*pair(0.8, 0.4, RICH), *pair(0.6, 0.6, BARE)])
    (depth,) = effects(cells)
    assert (depth.change, depth.pairs) == ("one layer to two layers", 2)
    np.testing.assert_allclose(depth.decades, np.log10(0.5) / 2)
    by_C = effects(factorial_cells([record(0.6, BARE), record(0.3, FLOORED)]))
    assert [(effect.factor, effect.decades.tolist()) for effect in by_C] == [
        ("input_dependent_C", [pytest.approx(np.log10(0.5))])
    ]


def test_the_table_has_floors_and_the_paragraph_its_figures():
    records = [*pair(0.63, 0.21, FLOORED), *pair(0.051, 0.049, RICH), *pair(0.7, 0.1, POOR)]
    text = "\n".join(factorial_table.section(records, []))
    assert "| S123, length 20, 5,000 steps | one layer | two layers |" in text
    assert (
        "| increments, last, C from the input | 0 of 3: 0.63 [0.63, 0.63], n = 3 | 3 of 3: " in text
    )
    assert "0.622 |" in text
    said = factorial_table.meaning(records)
    assert (
        "one layer comes to 0.63, 0.63, 0.63 of predicting zero, its floor being 0.622, and two "
        "layers to 0.21, 0.21, 0.21" in said
    )
    assert "what is fed and read decides, not the depth alone" in said
    assert "two layers pass the floor" in said
    failing = [*pair(0.63, 0.63, FLOORED), *pair(0.7, 0.7, POOR), *pair(0.7, 0.7, RICH)]
    assert "training decides" in factorial_table.meaning(failing)
    assert factorial_table.meaning([]) == "No records of it are published so far."
    assert factorial_table.section([], []) == []


def test_the_figure_is_drawn_from_records_alone(tmp_path):
    records = [*pair(0.63, 0.21, FLOORED), *pair(0.051, 0.049, RICH), record(0.2, channels=2)]
    assert all(path.is_file() for path in factorial_figure.draw(records, [], tmp_path))
    assert factorial_figure.draw([], [], tmp_path) == []


def test_the_study_prints_the_section():
    found = pair(0.63, 0.21, FLOORED)

    def load(preset: str | None, file: str = "linear_cde") -> list[Any]:
        return found if (preset, file) == ("quick", "factorial") else []

    assert "## The factorial of Figure 1, trained" in table.table(load, None)
    assert "0.63" in table.paragraphs(load, None)["factorial"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fed": "steps"}, "fed"),
        ({"readout": "first"}, "readout"),
        ({"depth": 0}, "depth"),
        ({"task": walks(4, 6, 10)}, "task.channels"),
        ({"training": Training(loss="cross_entropy")}, "training.loss"),
        ({"training": TINY, "grow_over": 5}, "grow_over"),
    ],
)
def test_what_is_no_cell_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FactorialRun(**settings)
