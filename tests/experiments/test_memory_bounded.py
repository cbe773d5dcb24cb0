"""Bounded coefficients: the study's runs, its claims both ways, and its part of the page."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import made_up
import pytest

from experiments.memory import bounded_claims, bounded_table
from experiments.memory import bounded_coefficients as bounded
from experiments.memory.bounded_curves import bounded_curves
from experiments.memory.theory import SMALL
from experiments.recorder import Interrupted
from seqtheory.memory_theory import L1Bound, NonNegative
from seqtheory.reparameterisation import Direct, Exp

STATEMENTS = (*bounded_claims.CLAIMS, *bounded_claims.FINDINGS)


@pytest.fixture(scope="module")
def computed() -> list[Any]:
    """Records of the smoke preset."""
    records = []
    for run in bounded.runs("smoke"):
        recorder = made_up.InMemory()
        bounded.execute(run, recorder)  # type: ignore[arg-type]
        records.append(made_up.record(run, recorder.lines))
    return records


def test_a_stopped_run_ends_with_the_lines_of_one_that_was_not(computed: list[Any]) -> None:
    run, first = bounded.runs("smoke")[0], made_up.InMemory(stop_at=2)
    with pytest.raises(Interrupted):
        bounded.execute(run, first)  # type: ignore[arg-type]
    second = made_up.InMemory(held=SimpleNamespace(step=2))
    bounded.execute(run, second)  # type: ignore[arg-type]
    assert repr(first.lines + second.lines) == repr(computed[0].metrics)


def test_bounds_are_kept_and_named(computed: list[Any]) -> None:
    rows = bounded_curves(computed)
    names = {bounded.bound_name(bound) for bound in bounded.BOUNDS[:3]}
    assert {row.bound for row in rows} == names == {"least squares", "non-negative", "l1 of 1"}
    assert all(max(row.absolute) < 1 + 1e-6 for row in rows if row.bound == "l1 of 1")
    assert bounded.bound_name(L1Bound(2.0)) == "l1 of 2"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"targets": ()}, "at least one memory"),
        ({"bounds": ()}, "one bound"),
        ({"targets": SMALL}, "shift and vertices"),
        ({"betas": (0.0, 1e-3)}, "0.01 among them"),
        ({"betas": (1e-2,)}, "expected 0 first"),
    ],
)
def test_what_gives_no_verdict_is_refused(settings: dict[str, Any], message: str) -> None:
    given = {"targets": bounded.runs("smoke")[0].targets, "bounds": (NonNegative(),), **settings}
    with pytest.raises(ValueError, match=message):
        bounded.BoundedRun(parameterisation=Exp(), **given)


# Claims, on records that were made up


def line(kernel: str, bound: str, reading: str, crosses: bool, wide: float) -> dict[str, Any]:
    """Widths 4 and 8, of which the wider has the error `wide` and crosses, or not."""
    return {
        "kernel": kernel,
        "horizon": 100,
        "bound": bound,
        "reading": reading,
        "widths": [4, 8],
        "betas": [0.0, 1e-2],
        "errors": [[0.5, 0.51], [wide, 0.6 if crosses else wide + 1e-3]],
        "absolute": [1.0, 1.0],
        "mass": [100.0, 100.0 if crosses else 10.0],
    }


def records(as_theory: bool) -> list[Any]:
    """One record of each map; everything as the claims say, or nothing."""
    names = [bounded.bound_name(bound) for bound in bounded.BOUNDS]
    found = []
    for run in bounded.runs("quick"):
        lines = []
        for kernel in ("Exponential", "Polynomial"):
            for number, name in enumerate(names):
                cursed = kernel == "Polynomial" and run.parameterisation == Direct()
                crosses = cursed if as_theory else not cursed
                if name.startswith("l1") and kernel == "Exponential" and not as_theory:
                    crosses = name == "l1 of 1"
                error = 0.1 if as_theory or number == 0 else 5.0
                for reading in ("shift", "vertices"):
                    held = line(kernel, name, reading, crosses, error)
                    held["errors"][1][1] = 0.6 if crosses else min(error, 0.5) + 1e-3
                    if not as_theory:
                        held["mass"] = [1e-6, 1e-6]
                    lines.append(held)
        found.append(made_up.record(run, lines))
    return found


def test_every_claim_judges_both_ways() -> None:
    right = {claim.name: claim.judge(records(True)).status for claim in STATEMENTS}
    assert set(right.values()) == {"pass"}, right
    wrong = {claim.name: claim.judge(records(False)).status for claim in STATEMENTS}
    assert set(wrong.values()) == {"fail"}, wrong
    assert {claim.judge([]).status for claim in STATEMENTS} == {"not run"}


def test_the_table_says_what_crosses(computed: list[Any]) -> None:
    text = "\n\n".join(bounded_table.parts(computed))
    rows = [row for row in text.splitlines() if row.startswith("| exponential | 20 | ")]
    assert len(rows) == 3
    assert all("stable (" in row or "crosses (" in row for row in rows)
    for claim in STATEMENTS:
        assert f"| {claim.name} | {claim.statement} |" in text
