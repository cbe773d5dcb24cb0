"""Integrals by weights set by hand as a study: its runs, claims and table."""

from typing import Any

import made_up
import pytest
from made_up import InMemory

from experiments.toy import representable, representable_claims, representable_table
from experiments.toy.representable import IntegralsRun
from experiments.toy.representable_cells import integral_rows
from seqtheory.tasks import SignatureLabels


def task(channels: int = 2, **settings: Any) -> SignatureLabels:
    small: dict[str, Any] = {"length": 6, "num_paths": 40, "basepoint": True, "normalise": "none"}
    return SignatureLabels(channels=channels, increments="brownian", **(small | settings))


def record(ratio: float = 1e-15, fall: float = 10.0, *, channels: int = 3) -> Any:
    """A record with a cell of each kind, of one layer."""
    facts = {"readout": "last", "depth": 1}
    limit = [1e-2, 1e-2 / fall, 1e-2 / fall]
    lines = [
        facts | {"fed": "both", "input_dependent_C": True, "kind": "exact"},
        facts | {"fed": "values", "input_dependent_C": True, "kind": "limit"},
        facts | {"fed": "both", "input_dependent_C": False, "kind": "none known"},
    ]
    measured = [([1e-5], [ratio]), ([1e-3, 1e-4, 1e-5], limit), ([], [])]
    for step, (line, (smalls, ratios)) in enumerate(zip(lines, measured, strict=True), start=1):
        line |= {"step": step, "smalls": smalls, "ratios": ratios}
    return made_up.record(IntegralsRun(task=task(channels)), lines)


def verdicts(*records: Any) -> dict[str, str]:
    return {claim.name: claim.judge(records).status for claim in representable_claims.CLAIMS}


@pytest.mark.needs_torch
def test_every_cell_of_the_design_is_measured_or_named() -> None:
    recorder = InMemory()
    representable.execute(IntegralsRun(task=task(), smalls=(1e-3, 1e-4)), recorder)
    assert len(recorder.lines) == 24
    for line in recorder.lines:
        count = {"exact": 1, "limit": 2, "none known": 0}[line["kind"]]
        assert len(line["ratios"]) == len(line["smalls"]) == count
        assert all(found < (1e-12 if count == 1 else 0.1) for found in line["ratios"])


def test_claims_fail_where_the_numbers_do() -> None:
    assert set(verdicts(record()).values()) == {"pass"}
    assert verdicts(record(ratio=1e-3))["exact"] == "fail"
    assert verdicts(record(ratio=1e-3))["one-layer"] == "fail"
    assert verdicts(record(fall=2.0))["limit"] == "fail"
    assert verdicts(record(channels=2))["one-layer"] == "not run"
    assert set(verdicts().values()) == {"not run"}


def test_the_table_has_a_line_for_each_way_and_a_column_for_each_depth() -> None:
    text = "\n".join(representable_table.section([record()]))
    assert "| fed, read out, C | S123, length 6, depth 1 |" in text
    assert "| both, last, C from the input | exact, 1e-15 |" in text
    assert "| both, last, C fixed | none known |" in text
    assert representable_table.section([]) == []
    assert [row.best for row in integral_rows([record()])][-1] is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"task": task(basepoint=False)}, "basepoint=True"),
        ({"task": task(channels=4)}, "task.channels"),
        ({"task": task(word=(1, 0))}, "word=None"),
        ({"smalls": ()}, "at least one"),
        ({"smalls": (0.0,)}, "smalls"),
    ],
)
def test_what_no_construction_is_for_is_refused(settings: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IntegralsRun(**settings)
