"""The infinite-width comparison: its runs, claims, figure and table."""

import made_up
import pytest
from made_up import InMemory

from experiments.claim import verdict_table
from experiments.toy import kernel_claims, kernel_figure, kernel_limit, kernel_table
from experiments.toy.kernel_limit import KernelLimitRun
from experiments.toy.kernel_measurement import limit_cells
from seqtheory.tasks import SignatureLabels


def cell(limit, ratios, *, channels=2, structure="dense", forcing=True, num_train=4_000):
    task = SignatureLabels(channels=channels)
    notes = {"predict_zero": 2.0, "kernel_rmse": 2 * limit, "kernel_ridge": 1e-9}
    lines = [
        {"width": width, "draw": draw, "rmse": 2 * value, "rank": width}
        for width, value in ratios.items()
        for draw in range(2)
    ]
    run = KernelLimitRun(task=task, structure=structure, forcing=forcing)
    return made_up.record(run, lines, notes={**notes, "num_train": num_train})


def verdicts(*records):
    return {claim.name: claim.judge(records).status for claim in kernel_claims.KERNEL_CLAIMS}


def test_kernel_and_features_learn_the_label_on_the_same_paths():
    task = SignatureLabels(channels=2, length=12, num_paths=400, train_fraction=0.5)
    run = kernel_limit.KernelLimitRun(task=task, widths=(4, 64), draws=1)
    recorder = InMemory()
    kernel_limit.execute(run, recorder)
    narrow, wide = (line["rmse"] for line in recorder.lines)
    assert recorder.notes["num_train"] == recorder.notes["num_held_out"] == 200
    assert recorder.notes["kernel_rmse"] < wide < narrow < 2 * recorder.notes["predict_zero"]
    assert recorder.notes["kernel_ridge"] > 0


def test_the_limit_must_be_below_the_widest_features():
    good = {16: 0.5, 256: 0.1, 512: 0.02}
    assert verdicts(cell(0.01, good))["k-2d"] == "pass"
    assert verdicts(cell(0.03, good))["k-2d"] == "fail"
    assert verdicts(cell(0.01, {16: 0.5}))["k-2d"] == "undecided"
    assert verdicts(cell(0.01, good, num_train=100))["k-2d"] == "undecided"
    assert verdicts()["k-2d"] == "not run"
    assert verdicts(cell(0.01, {16: 0.5, 256: 0.6, 512: 0.02}))["l-2d"] == "fail"


def test_the_floor_of_diagonal_equations_holds_for_the_limit_too():
    facts = {"channels": 3, "structure": "diagonal"}
    assert verdicts(cell(0.7, {512: 0.72}, **facts))["m-3d"] == "pass"
    assert verdicts(cell(0.4, {512: 0.72}, **facts))["m-3d"] == "fail"


def test_figure_and_table_are_made_from_records(tmp_path):
    records = [cell(0.01, {16: 0.5, 512: 0.02}), cell(0.7, {16: 0.9, 512: 0.8}, channels=3)]
    assert all(path.is_file() for path in kernel_figure.draw(records, tmp_path))
    text = "\n".join(kernel_table.section(records))
    assert "0.01" in text
    assert verdict_table(kernel_claims.KERNEL_CLAIMS, records) in text
    assert kernel_figure.draw([], tmp_path) == kernel_table.section([]) == []


def test_presets_hold_both_structures_and_unknown_settings_are_refused():
    quick = kernel_limit.runs("quick")
    assert {(r.task.channels, r.structure, r.forcing) for r in quick} == {
        (2, "dense", True),
        (2, "diagonal", True),
        (3, "dense", True),
        (3, "diagonal", True),
        (2, "dense", False),
        (2, "diagonal", False),
    }
    assert all(round(r.task.train_fraction * r.task.num_paths) == 4_000 for r in quick)
    with pytest.raises(ValueError, match="expected one of dense, diagonal"):
        kernel_limit.KernelLimitRun(structure="sparse")
    with pytest.raises(ValueError, match="expected 2 or 3"):
        kernel_limit.KernelLimitRun(task=SignatureLabels(channels=4))


def test_cells_keep_every_draw():
    (found,) = limit_cells([cell(0.01, {16: 0.5, 512: 0.02})])
    assert found.means == pytest.approx({16: 0.5, 512: 0.02})
    assert [len(values) for values in found.ratios.values()] == [2, 2]
    assert found.limit == pytest.approx(0.01)
