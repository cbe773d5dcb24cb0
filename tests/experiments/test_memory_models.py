"""Trained networks of the memory study: perturbations, ladders, verdicts, and the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import made_up
import numpy as np
import pytest
from written import written_outside

from experiments.__main__ import main
from experiments.memory import (
    functions,
    memory_functions,
    perturb,
    recurrent_models,
    table,
    trained_claims,
    trained_figure,
)
from experiments.memory.networks import RecurrentRun, data, model, rates
from experiments.memory.perturbation import (
    PUBLISHED,
    RECURRENT,
    SHIFT,
    perturbed_errors,
    relative_error,
    worst,
)
from experiments.memory.theory import HEAVY, LIGHT, MAPS
from experiments.memory.trained_curves import READINGS, kernel_name, ladders
from experiments.record import Record
from experiments.run import canonical
from seqtheory.memory import Polynomial, Sine
from seqtheory.memory_theory import SampledNoise
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU, Softplus
from seqtheory.training import Training

STUDY = "memory.recurrent_models"
LENGTH, STARTS = recurrent_models.LENGTH, recurrent_models.STARTS
# Of the smoke preset: one ladder, of few steps.
SETTINGS = (
    "kernel=Polynomial",
    "activation=tanh",
    "parameterisation=Exp",
    "training.num_steps=6",
    "training.evaluate_every=3",
)


def merged(*changed: str) -> tuple[str, ...]:
    """The settings, some of them replaced."""
    return tuple({text.partition("=")[0]: text for text in (*SETTINGS, *changed)}.values())


# Perturbations


@pytest.fixture
def network(needs_torch) -> Callable[..., Any]:
    def build(width: int = 6, **settings: Any) -> Any:
        return model(RecurrentRun(**{"min_rate": 0.05, **settings}), width)

    return build


def run_of(**settings: Any) -> RecurrentRun:
    small = {"length": 30, "num_train": 8, "num_held_out": 4, "num_test": 8}
    return RecurrentRun(**{**small, **settings})


def moved_rates(network: Any, reading: Any, beta: float, draw: int = 0) -> np.ndarray:
    from experiments.memory.perturbation import _moves, moved

    with moved(_moves(network, reading, beta, draw)):
        return rates(network)


@pytest.mark.parametrize("p", [Direct(), Exp(), Softplus(), Best(), Inverse(), ReLU()])
def test_a_common_shift_slows_every_mode(network, p):
    net = network(parameterisation=p)
    with_sign = next(q for name, q in net.named_parameters() if name.endswith(".w"))
    if isinstance(p, (Best, Inverse)):  # even: either sign is a weight of the same mode
        with_sign.data[::2] *= -1
    assert (moved_rates(net, SHIFT, 1e-2) < rates(net)).all()


@pytest.mark.parametrize("ball", ["inf", "two"])
@pytest.mark.parametrize("parameters", ["recurrent", "all"])
def test_noise_has_the_norm_asked_for_on_every_tensor_that_it_moves(network, ball, parameters):
    from experiments.memory.perturbation import _moves

    net = network(matrix="orthogonal")
    moves = _moves(net, SampledNoise(ball=ball, parameters=parameters), 0.3, draw=2)
    assert len(moves) == (2 if parameters == "recurrent" else 6)
    order = np.inf if ball == "inf" else 2
    norms = [np.linalg.norm(change.numpy().ravel(), order) for _, change in moves]
    np.testing.assert_allclose(norms, 0.3, rtol=1e-12)


def test_a_network_is_as_before_after_it_was_perturbed(network):
    net, run = network(), run_of()
    before = {name: value.numpy().copy() for name, value in net.state_dict().items()}
    perturbed_errors(net, data(run)[2], PUBLISHED, [0.0, 1e-2])
    after = net.state_dict()
    assert all(np.array_equal(value, after[name].numpy()) for name, value in before.items())


@pytest.mark.parametrize("p", MAPS)
def test_perturbed_errors_of_a_linear_network_are_those_of_its_exponentials(network, p):
    """A sum of exponentials with the shifted rates, convolved with the inputs by hand."""
    net, run = network(parameterisation=p), run_of(parameterisation=p)
    for bias in (net.embedding.linear.bias, net.readout.bias):
        bias.data.zero_()
    test = data(run)[2]
    found = perturbed_errors(net, test, SHIFT, [0.0, 1e-2])[:, 0]
    coefficients = (net.readout.weight[0] * net.embedding.linear.weight[:, 0]).detach().numpy()
    for error, beta in zip(found, (0.0, 1e-2), strict=True):
        factors = 1 - moved_rates(net, SHIFT, beta)
        kernel = factors ** np.arange(run.length)[:, None] @ coefficients
        outputs = [np.convolve(x[:, 0], kernel)[: run.length] for x in test.inputs]
        expected = relative_error(np.array(outputs)[..., None], test.targets)
        assert error == pytest.approx(expected, rel=1e-9)


def test_draws_are_the_same_at_every_beta_and_differ_from_each_other(network):
    net, test = network(parameterisation=Direct()), data(run_of())[2]
    errors = perturbed_errors(net, test, RECURRENT, [0.0, 1e-7, 2e-7])
    assert errors.shape == (3, 30)
    assert len(set(errors[0])) == 1
    slopes = (errors[1:] - errors[0]) / np.array([[1e-7], [2e-7]])
    np.testing.assert_allclose(slopes[0], slopes[1], rtol=1e-3, atol=1e-6)
    assert np.ptp(slopes[0]) > 0


def test_an_exploded_network_has_an_infinite_error(network):
    net = network(parameterisation=Direct())
    errors = perturbed_errors(net, data(run_of())[2], SHIFT, [0.0, 1e3])
    assert np.isfinite(errors[0]).all()
    assert np.isinf(errors[1]).all()


def test_a_common_shift_of_a_model_without_modes_is_refused(network):
    import torch

    with pytest.raises(ValueError, match="SampledNoise"):
        perturbed_errors(torch.nn.Linear(1, 1).double(), data(run_of())[2], SHIFT, [1e-2])


def test_predicting_zero_has_error_one_and_late_steps_may_weigh_more():
    targets = np.ones((2, 4, 1))
    late = targets.copy()
    late[:, 2:] = 0
    assert relative_error(np.zeros_like(targets), targets) == 1
    assert relative_error(late, targets) == pytest.approx(0.5)
    assert relative_error(late, targets, late_weight=2) > 0.7


def test_the_worst_draw_counts_and_a_running_maximum_never_falls():
    errors = np.array([[1.0, 1.0], [3.0, 2.0], [1.5, 2.5]])
    assert worst(errors, RECURRENT).tolist() == [1.0, 3.0, 2.5]
    assert worst(errors, PUBLISHED).tolist() == [1.0, 3.0, 3.0]


# Runs


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": (8,)}, "at least two"),
        ({"widths": (8, 4)}, "increasing"),
        ({"widths": (0, 4)}, "1 and more"),
        ({"num_test": 0}, "num_test=0"),
        ({"min_rate": 0.0}, "min_rate=0"),
        ({"enough": -1.0}, "enough=-1"),
        ({"betas": (1e-2,)}, "expected 0 first"),
        ({"betas": (0.0, 1e-3)}, "0.01 among them"),
        ({"readings": ()}, "at least one"),
        ({"training": Training(target=0.1)}, "halving rule"),
        ({"training": Training(loss="cross_entropy")}, "squared_error"),
    ],
)
def test_what_gives_no_verdict_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RecurrentRun(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "hyena"}, "expected one of diagonal, rnn"),
        ({"width": 6}, "multiples of 4"),
        ({"horizon": 0}, "horizon=0"),
        ({"amplitude": 0.0}, "amplitude=0"),
        ({"training": Training(loss="cross_entropy")}, "squared_error"),
    ],
)
def test_what_cannot_be_measured_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        memory_functions.MemoryFunctionRun(**settings)


# Ladders on disk


@pytest.fixture
def ladder_bench(bench, needs_torch):
    bench.study = STUDY
    return bench


@pytest.fixture
def trained(ladder_bench) -> Record:
    job = ladder_bench.job(*SETTINGS)
    assert ladder_bench.perform(job).status == "done"
    return Record.open(Path(job.folder))


# A checkpoint asks twice: these fall in the first training, between the two, and in the second.
@pytest.mark.parametrize("calls", [3, 13, 20])
def test_a_stopped_ladder_ends_with_the_bytes_of_one_that_was_not(
    ladder_bench, untouched, contents, calls
):
    job = ladder_bench.job(*SETTINGS)
    ladder_bench.stop_after(job, calls)
    assert ladder_bench.perform(job).status == "done"
    assert contents(job.folder) == untouched(job)


def test_a_wider_network_is_to_halve_the_error_of_the_narrower(ladder_bench):
    changed = ("training.num_steps=200", "training.learning_rate=0.03", "activation=linear")
    job = ladder_bench.job(*merged(*changed))
    assert ladder_bench.perform(job).status == "done"
    first, second = (
        line for line in Record.open(Path(job.folder)).metrics if line["quantity"] == "network"
    )
    assert second["target"] == pytest.approx(first["error"] / 2)
    assert second["status"] == "target"
    assert second["error"] <= second["target"]
    assert second["steps"] < first["steps"] == 200


def test_a_record_has_every_network_and_every_reading(trained):
    quantities = [line["quantity"] for line in trained.metrics if line["quantity"] != "training"]
    readings = len(recurrent_models.READINGS)
    assert quantities == 2 * (["network"] + readings * ["perturbation"])
    assert {rung.reading for rung in ladders([trained])} == set(READINGS)
    for rung in ladders([trained]):
        errors = [network["error"] for network in rung.networks]
        assert rung.curves.errors[:, 0] == pytest.approx(errors, rel=1)  # on other sequences
        assert rung.draws.shape == (2, 3, 1 if rung.reading == "shift" else 3)
    assert set(trained.tensors("width_4")) >= {"readout.weight"}


def test_a_rate_that_is_too_large_is_a_row_and_not_a_crash(ladder_bench):
    changed = ("training.learning_rate=1e30", "activation=linear", "parameterisation=Direct")
    job = ladder_bench.job(*merged(*changed))
    assert ladder_bench.perform(job).status == "diverged"
    record = Record.open(Path(job.folder))
    assert record.divergence["width"] == 2
    assert ladders([record]) == []
    text = table.table(lambda preset, file: [record] if file == "recurrent_models" else [], None)
    assert "| diverged | 1 |" in text


def test_from_the_command_to_figures_and_a_table(trained, tmp_path):
    arguments = ["--preset", "smoke", "--results", str(trained.path.parents[1])]
    for setting in SETTINGS:
        arguments += ["--set", setting]
    assert [main([name, STUDY, *arguments]) for name in ("run", "plot", "table")] == [0, 0, 0]
    drawn = {path.name for path in (trained.path.parents[1] / "memory").glob("*.png")}
    assert {"memory_trained_tanh_20_steps.png", "memory_learnt_tanh_20_steps.png"} <= drawn


# Perturbing a record


def test_a_record_perturbed_as_it_was_has_the_errors_that_it_holds(trained):
    run = perturb.run_of(trained)
    for held, reading in zip(ladders([trained]), run.readings, strict=True):
        again = perturb.perturbed(trained, run, reading, run.betas)
        np.testing.assert_allclose(again.draws, held.draws, rtol=1e-5)


def test_the_command_perturbs_a_record_in_another_way(trained, capsys):
    options = ["--draws", "2", "--ball", "two", "--betas", "0.5", "--running-maximum"]
    assert perturb.main([str(trained.path), *options]) == 0
    said = capsys.readouterr().out
    assert "draws=2, ball='two', parameters='all', running_maximum=True" in said
    assert [line.split(" | ")[0] for line in said.splitlines() if line.startswith("| 0")] == [
        "| 0",
        "| 0.01",
        "| 0.5",
    ]
    assert "Up to beta 0.01: " in said


def test_what_is_no_record_of_networks_cannot_be_perturbed(trained, tmp_path, capsys):
    assert perturb.main([str(tmp_path / "nothing")]) == 2
    assert "no record" in capsys.readouterr().err
    other = SimpleNamespace(study="toy.linear_cde", path=tmp_path)
    with pytest.raises(perturb.ConfigError, match=r"toy\.linear_cde"):
        perturb.run_of(other)
    changed = SimpleNamespace(study=STUDY, path=tmp_path, hash="0" * 16, run=trained.run)
    with pytest.raises(perturb.ConfigError, match="another version"):
        perturb.run_of(changed)


# Verdicts


def record(
    *errors: tuple[float, float, float],
    p: Any = Direct(),  # noqa: B008 - frozen
    kernel: Any = HEAVY,
    seed: int = 0,
    activation: str = "linear",
    status: str = "done",
    length: int = LENGTH,
    **settings: Any,
) -> Any:
    """A record whose widths 4, 8, ... have these errors at beta 0, 1e-3 and 1e-2, in all draws."""
    start = settings.pop("min_rate", STARTS[type(kernel).__name__])
    run = RecurrentRun(
        kernel=kernel,
        parameterisation=p,
        activation=activation,
        seed=seed,
        length=length,
        min_rate=start,
        **settings,
    )
    lines = []
    for number, row in enumerate(errors):
        width = 4 * 2**number
        network = {"width": width, "error": row[0], "target": row[0], "steps": 9, "rates": [0.1]}
        memory = {"ages": [0, 1, 9], "memory": [1.0, 0.5, 0.1]}
        lines.append({"quantity": "network", **network, **memory})
        for reading in (SHIFT, PUBLISHED):
            facts = {"quantity": "perturbation", "width": width, "betas": [0.0, 1e-3, 1e-2]}
            held = [[e] * (1 if reading is SHIFT else 2) for e in row]
            lines.append({**facts, "reading": canonical(reading), "errors": held})
    return made_up.record(run, lines, status=status)


STABLE = ((4e-3, 4e-3, 5e-3), (2e-3, 2e-3, 3e-3))
CROSSES = ((4e-3, 4e-3, 5e-3), (2e-3, 3e-3, 2.0))
WORSE = ((2e-3, 2e-3, 3e-3), (4e-3, 4e-3, 5e-3))


def outcome(*errors: tuple[float, float, float]) -> str:
    return ladders([record(*errors)])[0].outcome


def test_curves_cross_where_more_width_hurts_by_more_than_a_tenth():
    assert outcome(*STABLE) == "stable"
    assert outcome(*CROSSES) == "crosses"
    assert ladders([record(*CROSSES)])[0].crossings == {(4, 8): 1e-2}
    assert outcome((4e-3, 4e-3, 1e-2), (2e-3, 2e-3, 1.09e-2)) == "stable"
    assert outcome((4e-3, 4e-3, 1e-2), (2e-3, 2e-3, 1.11e-2)) == "crosses"


def test_a_network_that_learnt_less_than_its_neighbour_shows_nothing():
    assert outcome(*WORSE) == "untrained"
    assert outcome((2e-3, 2e-3, 3e-3), (4e-3, 4e-3, 5.0)) == "untrained"
    assert outcome(*WORSE, (1e-3, 1e-3, 9.0)) == "crosses"  # of the second pair


def test_errors_below_the_floor_are_all_as_good():
    assert outcome((1e-9, 1e-9, 1e-9), (1e-6, 1e-5, 9e-5)) == "stable"
    assert outcome((1e-9, 1e-9, 1e-9), (1e-6, 1e-5, 2e-4)) == "crosses"


def verdict(name: str, *records: Any) -> str:
    return made_up.verdict(trained_claims.CLAIMS, name, records)


def four(direct: Any, others: Any, **settings: Any) -> list[Any]:
    return [record(*(direct if p == Direct() else others), p=p, **settings) for p in MAPS]


def test_polynomial_memory_is_to_cross_for_direct_weights_alone():
    assert verdict("linear-heavy", *four(CROSSES, STABLE)) == "pass"
    assert verdict("linear-heavy", *four(STABLE, STABLE)) == "fail"
    assert verdict("linear-heavy", *four(CROSSES, CROSSES)) == "fail"
    assert verdict("linear-heavy", *four(CROSSES, WORSE)) == "undecided"
    assert verdict("linear-heavy", *four(CROSSES, STABLE)[:3]) == "not run"
    assert verdict("tanh-heavy", *four(CROSSES, STABLE)) == "not run"
    assert verdict("linear-draws", *four(CROSSES, STABLE)) == "pass"
    most = [*four(CROSSES, STABLE), *four(CROSSES, STABLE, seed=1), *four(STABLE, STABLE, seed=2)]
    assert verdict("linear-heavy", *most) == "pass"
    assert verdict("linear-heavy", *most, *four(STABLE, STABLE, seed=3)) == "fail"


def test_growth_is_that_of_the_widest_network():
    assert verdict("linear-grows", record(*CROSSES)) == "pass"
    assert verdict("linear-grows", record(*STABLE)) == "fail"
    assert verdict("linear-holds", *four(CROSSES, STABLE)) == "pass"
    assert verdict("linear-holds", *four(CROSSES, CROSSES)) == "fail"


def test_controls_are_told_from_what_they_control():
    light = four(STABLE, STABLE, kernel=LIGHT)
    idle = four(CROSSES, STABLE, kernel=LIGHT, min_rate=STARTS["Polynomial"])
    short = four(STABLE, STABLE, length=100, min_rate=0.01)
    everything = [*light, *idle, *short, *four(CROSSES, STABLE)]
    names = ("linear-light", "idle-slow-modes", "short", "linear-heavy")
    assert [verdict(name, *everything) for name in names] == ["pass"] * 4
    assert verdict("short", *light, *idle) == "not run"


def test_memories_have_short_names():
    assert kernel_name(HEAVY) == "polynomial"
    assert kernel_name(LIGHT) == "exponential"
    assert kernel_name(Polynomial(rate=0.1, power=1.1)) == ("polynomial, rate=0.1, power=1.1")
    assert kernel_name(Sine()) == "sine"


def test_a_table_and_figures_of_records_of_every_kind(tmp_path):
    records = [*four(CROSSES, STABLE), *four(WORSE, STABLE, kernel=LIGHT)]
    text = table.table(lambda preset, file: records if file == "recurrent_models" else [], None)
    assert "unstable (1 of 1)" in text
    assert "undecided (1 of 1)" in text
    assert "crosses in 1 of 1: 4 to 8 from 0.01" in text
    assert "not run" in text
    assert len(trained_figure.draw(records, tmp_path)) == 4


def test_a_single_row_holds_the_name_of_its_memory(drawn, tmp_path):
    trained_figure.draw(four(CROSSES, STABLE, kernel=Polynomial(), length=100), tmp_path)
    assert len(drawn) == 2
    assert not [text for figure in drawn for text in written_outside(figure)]


# Memory functions


@pytest.mark.needs_torch
@pytest.mark.parametrize("name", memory_functions.MODELS)
def test_memory_of_every_model_is_measured_before_and_after(bench, name):
    bench.study = "memory.memory_functions"
    job = bench.job(f"model={name}")
    assert bench.perform(job).status == "done"
    held = Record.open(Path(job.folder))
    random, trained = functions.memories([held])
    assert np.isfinite(trained.memory).all()
    assert (random.memory != trained.memory).any()
    if name == "diagonal":
        assert functions.CLAIMS[0].judge([held]).status == "pass"
        broken = {**held.notes, "trained": {**held.notes["trained"], "envelope": [1e-9] * 20}}
        wrong = SimpleNamespace(**{k: getattr(held, k) for k in ("run", "metrics", "finished")})
        wrong.notes = broken
        assert functions.CLAIMS[0].judge([wrong]).status == "fail"
    else:
        assert trained.envelope is None
        assert functions.CLAIMS[0].judge([held]).status == "not run"


def memory_record(before: list[float], after: list[float], model: str = "rnn") -> Any:
    run = memory_functions.MemoryFunctionRun(model=model)  # type: ignore[arg-type]
    facts = {"ages": [0, 1, 2, 4, 6, 9, 12, 20, 50], "envelope": None}
    notes = {
        "predict_zero": 2.0,
        "random": {**facts, "memory": before},
        "trained": {**facts, "memory": after},
    }
    return made_up.record(run, [{"rmse": 2.0}, {"rmse": 1.0}], notes=notes)


def test_what_training_adds_to_memory_is_judged_and_shown(tmp_path):
    fast = np.exp(-np.array([0, 1, 2, 4, 6, 9, 12, 20, 50.0])).tolist()
    slow = HEAVY(np.array([0, 1, 2, 4, 6, 9, 12, 20, 50.0])).tolist()
    claim = functions.CLAIMS[1]
    assert claim.judge([memory_record(fast, slow)]).status == "pass"
    assert claim.judge([memory_record(slow, fast)]).status == "fail"
    assert claim.judge([memory_record(fast, slow, model="s4d")]).status == "not run"
    random, trained = functions.memories([memory_record(fast, slow)])
    assert (random.form, trained.form) == ("exponential", "polynomial")
    assert (random.error, trained.error) == (1.0, 0.25)
    text = "\n".join(functions.parts([memory_record(fast, slow)]))
    assert "| rnn | polynomial | trained |" in text
    assert len(functions.draw([memory_record(fast, slow)], tmp_path)) == 2
