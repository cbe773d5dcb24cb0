"""The linear half of the memory study: its runs, what they compute, claims, figures and table."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import made_up
import numpy as np
import pytest
from made_up import InMemory

from experiments.__main__ import main
from experiments.commands.loader import PUBLISHED, Loader
from experiments.memory import claims, figure, table, theory
from experiments.memory.curves import families, map_facts, map_name
from experiments.memory.theory import HEAVY, LIGHT, MAPS, Target, TheoryRun
from experiments.record import Record, find
from experiments.recorder import Interrupted
from experiments.run import content_hash
from experiments.selection import Selection
from experiments.study import ROOT, load
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU

BETAS = (0.0, 1e-3, 1e-2, 1e-1)


def as_record(run: TheoryRun, lines: list[dict[str, Any]]) -> Any:
    name = content_hash(run, "memory.theory", theory.VERSION)
    return made_up.record(run, lines, hash=name)


@pytest.fixture(scope="module")
def computed() -> list[Any]:
    """Records of the small figure, without the worst case, under all maps."""
    targets = tuple(
        dataclasses.replace(target, readings=("shift", "gaussian"), sets=3)
        for target in theory.SMALL
    )
    records = []
    for p in MAPS:
        run = TheoryRun(parameterisation=p, targets=targets, betas=BETAS)
        recorder = InMemory()
        theory.execute(run, recorder)  # type: ignore[arg-type]
        records.append(as_record(run, recorder.lines))
    return records


def errors(records: list[Any], **facts: object) -> np.ndarray:
    (family,) = [f for f in families(records) if all(getattr(f, k) == v for k, v in facts.items())]
    return family.curves.errors


# Runs


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Target(kernel=LIGHT, widths=(4,), slowest=(0.1,)), "at least two, increasing"),
        (lambda: Target(kernel=LIGHT, widths=(4, 4), slowest=(0.1, 0.1)), "increasing"),
        (lambda: Target(kernel=HEAVY, slowest=(0.1,)), "one rate for each"),
        (lambda: Target(kernel=HEAVY, readings=()), "at least one reading"),
        (lambda: Target(kernel=HEAVY, sets=0), "sets=0"),
        (lambda: TheoryRun(parameterisation=Exp(), targets=()), "at least one memory"),
        (lambda: _run(betas=(1e-3, 1e-2)), "expected 0 first"),
        (lambda: _run(betas=(0.0, 1e-2, 1e-3)), "increasing"),
        (lambda: _run(betas=(0.0, 1e-3)), "0.01 among them"),
        (lambda: _run(draws=0), "draws=0"),
    ],
)
def test_what_gives_no_verdict_is_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def _run(**settings: Any) -> TheoryRun:
    return TheoryRun(parameterisation=Exp(), targets=theory.SMALL, **settings)


def test_a_stopped_run_ends_with_the_lines_of_one_that_was_not() -> None:
    run = theory.runs("smoke")[1]
    targets = (dataclasses.replace(run.targets[0], readings=("shift", "gaussian")),)
    run = dataclasses.replace(run, targets=targets)
    whole, first = InMemory(), InMemory(stop_at=2)
    theory.execute(run, whole)  # type: ignore[arg-type]
    with pytest.raises(Interrupted):
        theory.execute(run, first)  # type: ignore[arg-type]
    second = InMemory(held=SimpleNamespace(step=2))
    theory.execute(run, second)  # type: ignore[arg-type]
    assert len(whole.lines) == 1 + 2 + 3
    assert repr(first.lines + second.lines) == repr(whole.lines)


def test_smoke_runs_from_the_command_to_a_table(tmp_path: Path) -> None:
    arguments = ["memory.theory", "--preset", "smoke", "--results", str(tmp_path)]
    assert [main([name, *arguments]) for name in ("run", "table")] == [0, 0]
    assert "worst case found" in (tmp_path / "memory" / "table.md").read_text()


# What is computed


def test_errors_are_those_of_the_small_figure(computed: list[Any]) -> None:
    shift = {"reading": "shift", "horizon": 100}
    light = errors(computed, map="direct", kernel="exponential", **shift)
    np.testing.assert_allclose(light[:, 0], [0.333, 0.122, 0.00731], rtol=3e-3)
    np.testing.assert_allclose(light[:, 2], [1.321, 1.105, 1.001], rtol=1e-3)
    heavy = errors(computed, map="direct", kernel="polynomial", **shift)
    np.testing.assert_allclose(heavy[:, 2], [1.332, 0.7834, 0.8699], rtol=1e-3)
    np.testing.assert_allclose(heavy[:, 3], [25.0, 1302, 1638], rtol=1e-2)
    safe = errors(computed, map="exp", kernel="polynomial", **shift)
    np.testing.assert_allclose(safe[:, 2], [1.263, 0.1148, 0.0303], rtol=2e-3)


def test_sets_of_draws_differ_and_seeds_add_to_them(computed: list[Any]) -> None:
    first = [row for row in families(computed[:1]) if row.reading == "gaussian"]
    assert len(first) == 2 * 3
    largest = {row.error(8, 1e-2) for row in first if row.kernel == "polynomial"}
    assert len(largest) == 3
    again = SimpleNamespace(**{**vars(computed[0]), "run": replace(computed[0].run, seed=1)})
    both = families([computed[0], again])
    assert len([row for row in both if row.reading == "gaussian"]) == 2 * 6
    assert len([row for row in both if row.reading == "shift"]) == 2


def test_scales_follow_their_closed_forms(computed: list[Any]) -> None:
    facts = {held.map: held.scales for held in map_facts(computed)}
    tau = facts["direct"]["time_scales"]
    np.testing.assert_allclose(facts["direct"]["gradient"], tau**2)
    np.testing.assert_allclose(facts["exp"]["gradient"], tau)
    np.testing.assert_allclose(facts["best"]["gradient_per_weight"], 2.0)
    np.testing.assert_allclose(facts["exp"]["change"], math.expm1(0.01))
    finite = tau < 99
    np.testing.assert_allclose(
        facts["direct"]["change"][finite], 0.01 / (1 / tau[finite] - 0.01), rtol=1e-6
    )
    assert np.all(np.isinf(facts["direct"]["change"][tau > 101]))


def test_a_shifted_memory_explodes_under_direct_weights_alone(computed: list[Any]) -> None:
    for held in map_facts(computed):
        late = np.array(held.memory["target"])[-1]
        np.testing.assert_allclose(held.memory["fitted"][-1], late, rtol=0.1)
        ratio = held.memory["perturbed"][-1] / late
        assert ratio > 2 if held.map == "direct" else ratio < 1.5


@pytest.mark.parametrize("p", [Best(b=0.1), Inverse(), ReLU()], ids=repr)
def test_further_maps_are_measured_too(p: Any) -> None:
    recorder = InMemory()
    targets = (dataclasses.replace(theory.SMALL[1], readings=("shift",)),)
    run = TheoryRun(parameterisation=p, targets=targets, betas=BETAS)
    theory.execute(run, recorder)  # type: ignore[arg-type]
    (facts,) = map_facts([as_record(run, recorder.lines)])
    assert facts.functional["is_stable"] == (p != ReLU())
    assert np.all(np.isfinite(facts.scales["gradient"]))


def test_a_map_is_named_by_what_differs_from_its_defaults() -> None:
    assert map_name(Direct()) == "direct"
    assert map_name(Best()) == "best"
    assert map_name(Best(b=0.1)) == "best, b=0.1"


# Claims, on records that were made up


def family(kernel: str, reading: str, crosses: bool, number: int = 0, horizon: int = 100) -> dict:
    """A line with E_4 above or below E_8, and E_8 that grows by 200 or by 5."""
    wide = [0.01, 0.02, 2.0, 20.0] if crosses else [0.01, 0.02, 0.05, 0.5]
    return {
        "quantity": "error",
        "kernel": {"light": "Exponential", "heavy": "Polynomial"}[kernel],
        "horizon": horizon,
        "reading": reading,
        "set": number,
        "widths": [2, 4, 8],
        "betas": list(BETAS),
        "errors": [[1.0, 1.1, 3.0, 30.0], [0.1, 0.2, 1.0, 10.0], wide],
    }


def of_maps(**lines: list[dict]) -> list[Any]:
    """One record for each map that is named, of these lines and of no facts about the map."""
    known = dict(zip(claims.MAPS, MAPS, strict=True))
    return [
        as_record(TheoryRun(parameterisation=known[name], targets=theory.SMALL), held)
        for name, held in lines.items()
    ]


def verdict(name: str, records: list[Any]) -> str:
    return made_up.verdict(STATEMENTS, name, records)


STATEMENTS = (*claims.CLAIMS, *claims.FINDINGS)
CROSSING = {
    "shift-heavy": ("heavy", "shift", 100, {"direct"}),
    "shift-light": ("light", "shift", 100, set()),
    "worst-heavy": ("heavy", "vertices", 100, {"direct"}),
    "worst-light": ("light", "vertices", 100, {"direct", "exp", "best"}),
    "long-heavy": ("heavy", "shift", 1000, {"direct"}),
    "long-light": ("light", "shift", 1000, set()),
    "long-draws": ("heavy", "gaussian", 1000, {"direct"}),
    "idle-modes": ("light", "gaussian", 1000, set(claims.MAPS)),
}


@pytest.mark.parametrize("name", CROSSING)
def test_a_claim_on_crossing_names_exactly_the_maps_that_cross(name: str) -> None:
    kernel, reading, horizon, expected = CROSSING[name]

    def records(crossing: set[str], maps: tuple[str, ...] = claims.MAPS) -> list[Any]:
        return of_maps(**{m: [family(kernel, reading, m in crossing, 0, horizon)] for m in maps})

    assert verdict(name, records(expected)) == "pass"
    for changed in claims.MAPS:  # one map that crosses more or less than it should
        assert verdict(name, records(expected ^ {changed})) == "fail"
    assert verdict(name, records(expected, claims.MAPS[:3])) == "not run"


@pytest.mark.parametrize(
    ("name", "kernel", "crossing", "expected"),
    [
        ("draws-heavy", "heavy", [True, False], "pass"),
        ("draws-heavy", "heavy", [False, False], "fail"),
        ("draws-heavy", "heavy", [True, True], "fail"),
        ("draws-light", "light", [True] + 9 * [False], "pass"),
        ("draws-light", "light", [True, False], "fail"),
    ],
)
def test_claims_on_draws_count_sets(
    name: str, kernel: str, crossing: list[bool], expected: str
) -> None:
    none = [family(kernel, "gaussian", False, i) for i in range(len(crossing))]
    some = [family(kernel, "gaussian", crosses, i) for i, crosses in enumerate(crossing)]
    records = of_maps(direct=some, exp=none, softplus=none, best=none)
    assert verdict(name, records) == expected
    if any(crossing):
        assert verdict(name, of_maps(direct=some, exp=some, softplus=none, best=none)) == "fail"


def test_claims_on_draws_are_about_sets_of_thirty() -> None:
    lines = [family("light", "gaussian", False, i) for i in range(2)]
    records = of_maps(**dict.fromkeys(claims.MAPS, lines))
    assert verdict("draws-light", records) == "pass"
    for record in records:
        record.run = replace(record.run, draws=3)
    assert verdict("draws-light", records) == "not run"


def test_claims_on_growth_judge_both_ways() -> None:
    for crosses in (True, False):
        line = [family("heavy", "shift", crosses)]
        records = of_maps(direct=line, exp=line, softplus=line, best=line)
        assert verdict("direct-grows", records) == ("pass" if crosses else "fail")
        assert verdict("others-hold", records) == ("fail" if crosses else "pass")
        light = of_maps(direct=[family("light", "shift", crosses)])
        assert verdict("light-direct", light) == ("fail" if crosses else "pass")


def test_the_worst_case_must_be_the_largest_reading() -> None:
    low, high = (family("heavy", reading, False) for reading in ("shift", "vertices"))
    assert verdict("readings", of_maps(direct=[low, high])) == "pass"
    low["errors"][1][2] *= 1.01
    assert verdict("readings", of_maps(direct=[low, high])) == "fail"
    assert verdict("readings", of_maps(direct=[low])) == "not run"


MAP_CLAIMS = ("stable-maps", "even-gradients", "variances")


@pytest.mark.parametrize("name", MAP_CLAIMS)
def test_claims_on_maps_judge_both_ways(computed: list[Any], name: str) -> None:
    assert verdict(name, computed) == "pass"
    swapped = [
        SimpleNamespace(**{**vars(record), "run": other.run})
        for record, other in zip(computed, computed[::-1], strict=True)
    ]
    assert verdict(name, swapped) == "fail"
    assert verdict(name, computed[1:]) == "not run"


def test_every_claim_is_tried_both_ways() -> None:
    tried = {*CROSSING, *MAP_CLAIMS, "draws-heavy", "draws-light", "readings"}
    tried |= {"direct-grows", "others-hold", "light-direct"}
    assert {claim.name for claim in STATEMENTS} == tried


def test_what_was_said_after_the_records_were_seen_is_called_a_finding(computed: list[Any]) -> None:
    found = {finding.name for finding in claims.FINDINGS}
    assert found == {"worst-light", "draws-heavy", "draws-light", "idle-modes"}
    text = table.table(lambda _, file: computed if file == "theory" else [], None)
    before, _, after = text.partition("| finding | statement |")
    assert all(f"| {name} |" in after and f"| {name} |" not in before for name in found)


def test_nothing_is_read_of_a_record_that_was_only_begun(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef").mkdir()
    begun = Record.open(tmp_path / "0123456789abcdef")
    assert all(claim.judge([begun]).status == "not run" for claim in STATEMENTS)
    assert "| `01234567` | unfinished |" in table.table(lambda *_: [begun], None)
    assert figure.draw(lambda *_: [begun], None, tmp_path) == []


# Figures, table and what is published


def test_figures_and_table_say_where_readings_differ(computed: list[Any], tmp_path: Path) -> None:
    paths = figure.draw(lambda _, file: computed[:2] if file == "theory" else [], None, tmp_path)
    assert {path.stem for path in paths} == {"memory_100_steps", "memory_parameterisations"}
    assert all(path.stat().st_size > 1_000 for path in paths)
    text = table.table(lambda _, file: computed if file == "theory" else [], None)
    lines = [line for line in text.splitlines() if line.startswith("| polynomial | 100 | ")]
    assert "crosses: 4 to 8 from 0.01" in lines[0]
    assert "**differ**" in lines[0]
    assert all("stable" in line and "agree" in line for line in lines[1:4])
    for claim in STATEMENTS:
        assert f"| {claim.name} | {claim.statement} |" in text


def test_the_published_records_pass_every_claim(tmp_path: Path) -> None:
    study = load("memory.theory")
    runs = study.runs("quick")
    assert len(find(study.name, study.version, runs, [PUBLISHED])) == len(runs)
    records = Loader(ROOT / "memory", Selection(study="memory", results=tmp_path))(
        "quick", "theory"
    )
    verdicts = {claim.name: claim.judge(records).status for claim in STATEMENTS}
    assert set(verdicts.values()) == {"pass"}, verdicts
