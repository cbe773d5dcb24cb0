"""Ladders over learning rates: what has learnt, the prediction beside it, claims, table, figure."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_up
import pytest

from experiments.stability import edge_claims, figure, optimisers, table
from experiments.stability.edges import SHARES, cell_of, edges, largest_rate, predicted, scales
from experiments.stability.networks import Layer, Modes, States
from experiments.stability.optimisers import MAPS, LadderRun, grid
from seqtheory.memory import Exponential, Polynomial
from seqtheory.reparameterisation import Best, Direct, Exp, stable_rate
from seqtheory.training import Training

RATES = grid(10.0, 19)  # down to 1e-5
NETWORKS = [Modes(width=2), Layer(width=2, state_dim=2), States(width=2, state_dim=2)]


def ladder(edge: float, run: LadderRun) -> Any:
    """A record of a run that learns at rates up to the edge, and diverges at larger ones."""
    lines = [
        {"step": k, "rate": rate, "steps": 9, "left": 0.01 if rate <= edge else math.nan}
        for k, rate in enumerate(run.rates, 1)
    ]
    return made_up.record(run, lines, study="stability.optimisers", notes={"zero": 1.0})


def ladders(edge_of: Callable[[LadderRun], float], *networks: Any, num_seeds: int = 5) -> list[Any]:
    """Ladders of all maps, memories and rules, whose edges a function gives."""
    found = []
    for run in (*optimisers.runs("quick"), *optimisers.runs("states")):
        if run.seed < num_seeds and (not networks or isinstance(run.network, networks)):
            wide = made_up.changed(made_up.record(run, []), rates=RATES).run
            found.append(ladder(edge_of(wide), wide))
    return found


def loading(records: list[Any]) -> Callable[..., list[Any]]:
    """What gives a study these records: the layer's states alone as `states`, the rest as quick."""
    held: dict[str | None, list[Any]] = {None: [], "states": []}
    for record in records:
        held["states" if isinstance(record.run.network, States) else None].append(record)
    return lambda preset, file: held[preset] if file == "optimisers" else []


def as_predicted(run: LadderRun) -> float:
    return predicted(run) * (1.0 + 1e-9)


def verdict(name: str, records: list[Any]) -> str:
    return made_up.verdict(edge_claims.CLAIMS, name, records)


# Runs


def test_the_preset_crosses_maps_optimisers_memories_and_seeds() -> None:
    runs = optimisers.runs("quick")
    assert len(runs) == (3 + 4) * 3 * 4 * 10
    assert optimisers.runs("modes") == [run for run in runs if isinstance(run.network, Modes)]
    rules = {(cell_of(made_up.record(run, []))[:2]) for run in runs}
    assert {rule for network, rule in rules if network == "modes"} == {"SGD", "momentum", "Adam"}
    assert {rule for network, rule in rules if network == "StableSSM"} == {
        *("SGD", "momentum", "Adam", "AdamW")
    }
    assert all(run.training.schedule == "constant" for run in runs)


def test_the_rate_of_a_ladder_is_that_of_the_modes_or_of_all() -> None:
    training = Training()
    modes = Modes(others=0.5).at_rate(training, 2.0)
    assert (modes.learning_rate, modes.state_learning_rate) == (0.5, 2.0)
    layer = Layer().at_rate(training, 2.0)
    assert (layer.learning_rate, layer.state_learning_rate) == (2.0, None)
    states = States(others=0.5).at_rate(training, 2.0)
    assert (states.learning_rate, states.state_learning_rate) == (0.5, 2.0)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LadderRun(rates=()), "at least one"),
        (lambda: LadderRun(rates=(0.1, 1.0)), "the largest first"),
        (lambda: LadderRun(rates=(0.1, 0.0)), "above 0"),
        (lambda: LadderRun(held_out=1000), "at most 999"),
        (lambda: LadderRun(training=Training(loss="cross_entropy")), "squared_error"),
        (lambda: Modes(width=0), "network.width=0"),
        (lambda: Modes(others=0.0), "network.others"),
        (lambda: Layer(state_dim=3), "even number"),
        (lambda: States(others=0.0), "network.others"),
        (lambda: States(upstream_groups=True), "under one rate"),
    ],
)
def test_a_ladder_that_could_not_be_climbed_is_refused(build: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


# Edges


def test_the_edge_is_the_largest_rate_that_ends_finite_and_below_the_share() -> None:
    run = LadderRun(rates=(4.0, 2.0, 1.0, 0.5))
    held = ladder(1.0, run)
    assert largest_rate(held) == 1.0
    held.metrics[0]["left"] = 0.09  # learns again above a rate at which it does not
    assert largest_rate(held) == 4.0
    held.metrics[0]["left"] = SHARES["modes"]
    assert largest_rate(held) == 1.0
    assert largest_rate(ladder(0.1, run)) == 0.0


def test_a_seed_that_learns_at_no_rate_counts_below_the_grid() -> None:
    (edge,) = edges([ladder(0.0, LadderRun(rates=(1.0, 0.1)))])
    assert edge.largest == {0: 0.0}
    assert edge.logs[0] == pytest.approx(-2.0)


def test_the_prediction_is_taken_at_the_slower_of_start_and_memory() -> None:
    long, short = Exponential(1 / 32), Exponential(2.0)
    run = LadderRun(parameterisation=Direct(), training=Training(optimiser="sgd"), kernel=long)
    assert predicted(run) == pytest.approx(32.0**-3)
    assert predicted(made_up.changed(ladder(1, run), kernel=short).run) == pytest.approx(0.125)
    adam = made_up.changed(ladder(1, run), training=Training()).run
    assert predicted(adam) == pytest.approx(1 / 32)
    layer = made_up.changed(ladder(1, run), network=Layer(), kernel=Polynomial()).run
    assert predicted(layer) == pytest.approx(float(stable_rate(Direct(), -0.5)))


def test_the_constant_of_the_prediction_is_found() -> None:
    found = edges(ladders(lambda run: 7.0 * predicted(run), Modes))
    steps = 10 ** (1 / 3)
    for scale in scales(found).values():
        assert 7.0 / steps < scale < 7.0 * steps


# Claims


def test_claims_on_gradients_hold_if_rates_are_as_predicted() -> None:
    records = ladders(as_predicted)
    names = ("order", "stable", "exponent", "long", "short")
    assert {verdict(f"gradient-{name}", records) for name in names} == {"pass"}
    for name in ("adam-direct", "optimiser", "layer-order"):
        assert verdict(name, records) == "pass"


def test_claims_on_gradients_fail_if_all_maps_tie() -> None:
    records = ladders(lambda run: 0.1)
    names = ("order", "stable", "exponent", "long", "short")
    assert {verdict(f"gradient-{name}", records) for name in names} == {"fail"}
    for name in ("adam-direct", "optimiser", "layer-order", "layer-direct", "layer-best"):
        assert verdict(name, records) == "fail"
    assert verdict("adam-tie", records) == verdict("layer-tie", records) == "pass"


def test_claims_on_the_recurrence_alone_hold_if_best_leads_and_fail_if_direct_does() -> None:
    names = ("states-direct", "states-order", "states-best")
    order = {"Best": 1.0, "Exp": 0.5, "Softplus": 0.6, "Direct": 0.1}
    led = ladders(lambda run: order[type(run.parameterisation).__name__], States)
    assert [verdict(name, led) for name in names] == ["pass", "pass", "pass"]
    order = {"Best": 0.1, "Exp": 0.5, "Softplus": 0.1, "Direct": 1.0}
    led = ladders(lambda run: order[type(run.parameterisation).__name__], States)
    assert [verdict(name, led) for name in names] == ["fail", "fail", "fail"]
    assert verdict("layer-best", led) == "not run"


def test_findings_hold_if_layers_tie_and_best_leads_under_adam_and_fail_otherwise() -> None:
    def found(of_best: float, of_layer: float) -> list[str]:
        def edge_of(run: LadderRun) -> float:
            best = isinstance(run.parameterisation, Best)
            return (of_best if isinstance(run.network, Modes) else of_layer) if best else 1.0

        records = ladders(edge_of, Modes, Layer)
        claims = edge_claims.FINDINGS
        return [made_up.verdict(claims, claim.name, records) for claim in claims]

    assert found(of_best=10.0, of_layer=1.0) == ["pass", "pass", "pass"]
    assert found(of_best=1.0, of_layer=10.0) == ["fail", "fail", "fail"]


def test_a_tie_ends_at_a_factor_of_three() -> None:
    def edge_of(run: LadderRun) -> float:
        return 1.0 if isinstance(run.parameterisation, Best) else 0.2

    assert verdict("adam-tie", ladders(edge_of, Modes)) == "fail"
    assert verdict("layer-best", ladders(edge_of, Layer)) == "pass"


def test_a_claim_is_undecided_where_seeds_disagree_or_are_few() -> None:
    def edge_of(run: LadderRun) -> float:
        return 10.0 ** (-run.seed / 2 if isinstance(run.parameterisation, Exp) else -1)

    assert verdict("layer-best", ladders(edge_of, Layer)) == "undecided"
    assert verdict("layer-best", ladders(as_predicted, Layer, num_seeds=4)) == "undecided"
    assert verdict("layer-best", ladders(as_predicted, Modes)) == "not run"


def test_the_exponent_is_read_where_a_seed_learns() -> None:
    def edge_of(run: LadderRun) -> float:
        return 0.0 if predicted(run) < 1e-4 else as_predicted(run)

    assert verdict("gradient-exponent", ladders(edge_of, Modes)) == "pass"


# Table and figure


def test_ladders_have_a_section_and_a_figure(tmp_path: Path) -> None:
    records = ladders(as_predicted)
    load = loading(records)
    text = table.table(load, None)
    assert "Largest stable learning rate" not in text
    assert "| SGD | e^(-t/32) | 2.15e-05 [2.15e-05, 2.15e-05], n = 5 (" in text
    assert "| gradient-order |" in text
    assert {path.stem for path in figure.draw(load, None, tmp_path)} == {"stability_optimisers"}
    assert [judged.records for judged in table.judged(load, None)] == [[], records, records]


@pytest.mark.parametrize(
    ("edge", "told"),
    [(100.0, "the grid's end in 5 of 5"), (1e-9, "none in 5 of 5"), (1.0, "n = 5 (")],
)
def test_a_rate_at_an_end_of_the_grid_is_told(edge: float, told: str) -> None:
    records = ladders(lambda run: edge, Modes)
    text = table.table(loading(records), None)
    row = next(line for line in text.splitlines() if line.startswith("| SGD | e^(-t/2) |"))
    assert row.count(told) == len(MAPS)
    assert ("the grid's end" in row) == (edge == 100.0)


def test_no_ladders_have_no_section(tmp_path: Path) -> None:
    text = table.table(lambda preset, file: [], None)
    assert "optimiser" not in text
    assert figure.draw(lambda preset, file: [], None, tmp_path) == []


def test_ladders_of_other_settings_are_rows_of_their_own() -> None:
    records = ladders(as_predicted, Modes, num_seeds=1)
    more = [made_up.changed(record, data_seed=77) for record in records]
    names = {edge.network for edge in edges([*records, *more])}
    assert names == {"modes, data_seed 42", "modes, data_seed 77"}
    assert verdict("gradient-order", [*records, *more]) == "undecided"


@pytest.mark.needs_torch
@pytest.mark.parametrize("network", NETWORKS, ids=repr)
def test_a_ladder_that_was_stopped_goes_on_at_the_next_rate(network: Any) -> None:
    run = LadderRun(
        parameterisation=MAPS[0],
        network=network,
        rates=(1e9, 0.1, 0.01),
        length=10,
        num_sequences=20,
        held_out=5,
        training=Training(optimiser="sgd", batch_size=5, num_steps=4, evaluate_every=4),
    )
    whole, first = made_up.InMemory(), made_up.InMemory(stop_at=1)
    optimisers.execute(run, whole)
    assert [line["rate"] for line in whole.lines] == [1e9, 0.1, 0.01]
    assert math.isnan(whole.lines[0]["left"]) or isinstance(network, States)
    assert whole.lines[1]["steps"] == 4
    assert 0 < whole.lines[1]["left"] < math.inf
    with pytest.raises(made_up.Interrupted):
        optimisers.execute(run, first)
    second = made_up.InMemory(held=first.held)
    optimisers.execute(run, second)
    assert [*first.lines, *second.lines][1:] == whole.lines[1:]
    assert second.notes == whole.notes
