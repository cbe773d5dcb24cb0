"""Stacks set by hand as a study: its runs, records, claims, table and depths."""

from typing import Any

import made_up
import pytest
from made_up import InMemory

from experiments.a5 import figure, representable, representable_claims, representable_table
from experiments.a5.representable import RepresentableRun
from experiments.a5.representable_cells import depths, stacks


def record(length: int, accuracies: list[float], *, model: Any = "s4", lead: float = 1.38) -> Any:
    """A record with the token accuracy of every depth, from 1 on."""
    lines = [
        {
            "step": depth,
            "depth": depth,
            "token_accuracy": accuracy,
            "sequence_accuracy": float(accuracy == 1),
            "lead": lead,
        }
        for depth, accuracy in enumerate(accuracies, start=1)
    ]
    return made_up.record(RepresentableRun(model=model, length=length), lines, notes={"order": 60})


GOOD = {4: [0.508, 1.0], 8: [0.26, 0.508, 1.0], 16: [0.1, 0.26, 0.508, 1.0]}
GOOD[32] = [0.08, 0.14, 0.26, 0.508, 1.0]


def verdicts(*records):
    return {claim.name: claim.judge(records).status for claim in representable_claims.CLAIMS}


@pytest.mark.needs_torch
@pytest.mark.parametrize("model", ["s4", "mamba"])
def test_only_the_deepest_stack_is_exact(model: Any) -> None:
    run = RepresentableRun(model=model, group="S3", length=7, num_words=150)
    recorder = InMemory()
    representable.execute(run, recorder)
    assert [line["depth"] for line in recorder.lines] == [1, 2, 3] == [*range(1, run.depth + 1)]
    exact = [line["sequence_accuracy"] for line in recorder.lines]
    assert exact[:2] < [0.1, 0.5]
    assert exact[2] == 1
    assert recorder.lines[2]["lead"] > 0.9
    for line in recorder.lines:
        window = min(7, 2 ** line["depth"])
        assert line["position_accuracy"][:window] == [1.0] * window


@pytest.mark.parametrize(("length", "depth"), [(2, 1), (3, 2), (4, 2), (5, 3), (32, 5), (33, 6)])
def test_the_depth_is_the_logarithm_of_the_length(length, depth):
    assert RepresentableRun(length=length).depth == depth


def test_claims_need_all_lengths_and_fail_on_one_wrong_letter():
    held = [record(length, found) for length, found in GOOD.items()]
    assert verdicts(*held)["exact-s4"] == verdicts(*held)["fewer-s4"] == "pass"
    assert verdicts(*held)["exact-mamba"] == "not run"
    assert verdicts(*held[:2])["exact-s4"] == "undecided"
    assert verdicts(*held[:3], record(32, [*GOOD[32][:4], 0.9999]))["exact-s4"] == "fail"
    better = record(32, [*GOOD[32][:3], 0.7, 1.0])
    assert verdicts(*held[:3], better)["fewer-s4"] == "fail"


def test_the_table_and_the_figure_take_the_least_exact_depth():
    held = [record(n, found, model=m) for n, found in GOOD.items() for m in ("s4", "mamba")]
    assert depths(stacks(held))["mamba"] == {4: 2, 8: 3, 16: 4, 32: 5}
    shown = figure.representable_depths(lambda preset, file: held, None)
    assert shown == {4: 2, 8: 3, 16: 4, 32: 5}
    text = "\n".join(representable_table.section(held))
    assert "| S4 | 2 / 1 | 3 / 2 | 4 / 4 | 5 / none |" in text
    assert "| Mamba | 2 / 2 | 3 / 3 | 4 / >4 | 5 / none |" in text
    assert representable_table.section([]) == []
    assert figure.representable_depths(lambda preset, file: [], None) == {}
