"""The toy study: its runs, its resumption, its claims, its figure and table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import made_up
import numpy as np
import pytest
from made_up import InMemory

from experiments.record import Record
from experiments.recorder import Interrupted
from experiments.report.rows import select
from experiments.toy import claims, figure, linear_cde, structure_claims, table
from experiments.toy.linear_cde import LinearCDERun
from experiments.toy.measurement import measurements, ratio_by_width
from seqtheory.structure import Dense, Diagonal
from seqtheory.tasks import SignatureLabels

TINY = LinearCDERun(
    task=SignatureLabels(channels=2, length=10, num_paths=250),
    widths=(4, 6),
    draws=2,
    method="exact",
)


def as_record(run: LinearCDERun, recorder: InMemory) -> Any:
    return made_up.record(run, recorder.lines, notes=recorder.notes)


def finished(channels: int, ratios: dict[int, float], **settings: Any) -> Any:
    """A record in which every width reached the given ratio to predicting zero."""
    task = SignatureLabels(channels=channels, num_paths=settings.pop("num_paths", 20_000))
    run = LinearCDERun(task=task, widths=tuple(ratios), draws=1, **settings)
    recorder = InMemory()
    recorder.note(method="exact", predict_zero=2.0, depth=None, tail=None)
    for width, ratio in ratios.items():
        recorder.log(1, width=width, draw=0, rmse=2.0 * ratio)
    return as_record(run, recorder)


def verdict(name: str, *records: Any) -> str:
    return made_up.verdict(claims.CLAIMS, name, records)


def structured(final: float, diagonal: float = 0.72, dense: float = 0.99) -> list[Any]:
    """Records in which every structure ends at the same ratio, and dense has another throughout."""
    records = []
    for run in linear_cde.runs("structures"):
        end = diagonal if run.structure == "diagonal" else final
        ratios = {width: 1.0 + (end - 1.0) * min(1.0, width / 256) for width in run.widths}
        if run.structure == "dense":
            ratios = dict.fromkeys(run.widths, dense)
        if run.structure == "diagonal":
            ratios = dict.fromkeys(run.widths, diagonal)
        records.append(finished(3, ratios, structure=run.structure))
    return records


def test_claims_on_structures_follow_the_errors() -> None:
    names = [claim.name for claim in structure_claims.CLAIMS]
    assert len(names) == len(set(names)) == 9

    def verdicts(records: list[Any]) -> dict[str, str]:
        return {claim.name: claim.judge(records).status for claim in structure_claims.CLAIMS}

    assert set(verdicts([]).values()) == {"not run"}
    assert set(verdicts(structured(0.3)).values()) == {"pass"}
    stuck = verdicts(structured(0.75, diagonal=0.5))
    assert {stuck[f"w-{name}"] for name in (*structure_claims.FAMILIES, "diagonal")} == {"fail"}
    assert verdicts(structured(0.995))["p-walsh"] == "fail"
    assert verdicts(structured(0.3, dense=0.1))["w-block"] == "fail"


def test_structures_are_drawn_and_tabled(tmp_path: Path) -> None:
    records = structured(0.3)

    def load(preset: str | None, model_file: str = "linear_cde") -> list[Any]:
        return records

    assert (tmp_path / "toy_structures.png") in figure.draw(load, "structures", tmp_path)
    text = table.table(load, "structures")
    assert "| diagonal plus rank n / 16 |" in text
    assert "| Walsh-Hadamard |" in text


def test_budgets_are_those_of_the_dense_widths() -> None:
    """Every family has a width within 4 % of the parameters of dense matrices of 16, 23 and 32."""
    for run in linear_cde.runs("structures"):
        if len(run.widths) == 1:
            continue
        structure = {"dense": Dense(), "diagonal": Diagonal()}.get(run.structure, run.structure)
        counts = np.array([structure.num_parameters(width) for width in run.widths])
        for width in (16, 23, 32):
            assert np.abs(counts / width**2 - 1).min() < 0.04, (run.structure, width)


def test_the_default_preset_is_the_published_scale() -> None:
    runs = linear_cde.runs(linear_cde.DEFAULT_PRESET)
    assert [run.task.channels for run in runs] == [2, 3]
    for run in runs:
        assert (run.task.num_paths, run.task.length) == (100_000, 100)
        assert (run.widths, run.draws, run.structure, run.forcing) == ((256,), 5, "dense", True)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"widths": ()}, "at least one width"),
        ({"widths": (16, 0)}, "each 1 or more"),
        ({"widths": (16, 16)}, "twice"),
        ({"draws": 0}, "draws=0"),
        ({"tolerance": 0.0}, "tolerance=0.0"),
        ({"depth": 0}, "depth=0"),
        ({"ridge": -1.0}, "ridge=-1.0"),
        ({"ridge": float("nan")}, "ridge=nan"),
        ({"structure": "sparse"}, "structure='sparse': expected one of dense"),
        ({"method": "euler"}, "method='euler': expected one of auto"),
        (
            {"task": SignatureLabels(train_fraction=1.0)},
            "train_fraction=1.0: expected a number",
        ),
    ],
)
def test_impossible_settings_are_refused_at_construction(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LinearCDERun(**settings)


def test_a_resumed_run_ends_with_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_cde, "BATCH_SIZE", 64)
    whole = InMemory()
    linear_cde.execute(TINY, whole)  # type: ignore[arg-type]
    first = InMemory(stop_at=128)
    with pytest.raises(Interrupted):
        linear_cde.execute(TINY, first)  # type: ignore[arg-type]
    assert not first.lines
    second = InMemory(held=first.held)
    linear_cde.execute(TINY, second)  # type: ignore[arg-type]
    assert second.lines == whole.lines
    assert second.notes == whole.notes
    assert {k: v.tobytes() for k, v in second.saved["readouts"].items()} == {
        k: v.tobytes() for k, v in whole.saved["readouts"].items()
    }


def test_every_width_and_draw_is_measured_once() -> None:
    recorder = InMemory()
    linear_cde.execute(TINY, recorder)  # type: ignore[arg-type]
    rows = measurements([as_record(TINY, recorder)])
    assert [(row.width, row.draw) for row in rows] == [(4, 0), (4, 1), (6, 0), (6, 1)]
    assert len({row.rmse for row in rows}) == 4
    assert all(0 < row.ratio < 2 for row in rows)


def test_diagonal_fields_without_forcing_see_the_endpoint_only() -> None:
    task = SignatureLabels(channels=2, length=30, num_paths=4_000)
    ratios = {}
    for forcing in (True, False):
        run = LinearCDERun(
            task=task, structure="diagonal", forcing=forcing, widths=(64,), draws=1, method="exact"
        )
        recorder = InMemory()
        linear_cde.execute(run, recorder)  # type: ignore[arg-type]
        (row,) = measurements([as_record(run, recorder)])
        ratios[forcing] = row.ratio
    assert ratios[True] < 0.1 < 0.6 < ratios[False]


def test_dense_claim_compares_with_its_bound() -> None:
    assert verdict("a-2d", finished(2, {256: 0.009})) == "pass"
    assert verdict("a-2d", finished(2, {256: 0.011})) == "fail"
    assert verdict("a-2d", finished(3, {256: 0.009})) == "not run"
    assert verdict("a-2d", finished(2, {256: 0.009}, num_paths=1000)) == "undecided"


def test_halving_claim_needs_two_widths_and_every_doubling() -> None:
    assert verdict("b-2d", finished(2, {16: 0.8})) == "not run"
    assert verdict("b-2d", finished(2, {16: 0.8, 64: 0.7})) == "not run"
    assert verdict("b-2d", finished(2, {16: 0.8, 32: 0.4, 64: 0.1})) == "pass"
    assert verdict("b-2d", finished(2, {16: 0.8, 32: 0.5, 64: 0.1})) == "fail"
    assert verdict("b-3d", finished(3, {16: 0.8, 32: 0.7, 64: 0.6, 128: 0.2})) == "pass"


def test_diagonal_claims_judge_every_width() -> None:
    free = {"structure": "diagonal", "forcing": False}
    forced = {"structure": "diagonal"}
    assert verdict("c", finished(2, {16: 0.7, 32: 0.69}, **free)) == "pass"
    assert verdict("c", finished(2, {16: 0.7, 32: 0.64}, **free)) == "fail"
    assert verdict("d", finished(3, {16: 0.7, 32: 0.67}, **forced)) == "fail"
    assert verdict("e", finished(2, {16: 0.9, 64: 0.001}, **forced)) == "pass"
    assert verdict("e", finished(2, {16: 0.9, 64: 0.02}, **forced)) == "fail"


def test_a_claim_takes_the_largest_sample() -> None:
    small, large = finished(2, {256: 0.5}), finished(2, {256: 0.005}, num_paths=100_000)
    assert verdict("a-2d", small, large) == "pass"


def test_unfinished_records_are_not_measured() -> None:
    record = finished(2, {256: 0.005})
    record.status, record.finished = "unfinished", False
    assert measurements([record]) == []
    assert verdict("a-2d", record) == "not run"


def test_a_record_that_was_only_begun_is_listed_and_not_read(tmp_path: Path) -> None:
    (tmp_path / "0123456789abcdef").mkdir()
    begun = Record.open(tmp_path / "0123456789abcdef")
    text = table.table(loader(paper=[begun]), "paper")
    assert "| `01234567` | unfinished |" in text
    assert all(claim.judge([begun]).status == "not run" for claim in claims.CLAIMS)
    assert figure.draw(loader(paper=[begun]), "paper", tmp_path)


def test_ratios_come_by_ascending_width() -> None:
    rows = measurements([finished(2, {64: 0.1, 16: 0.4})])
    assert list(ratio_by_width(rows)) == [16, 64]
    assert select(rows, width=64)[0].ratio == pytest.approx(0.1)


def loader(**presets: list[Any]) -> Any:
    def load(preset: str, model_file: str = "linear_cde") -> list[Any]:
        return presets.get(preset, []) if model_file == "linear_cde" else []

    return load


@pytest.mark.parametrize("with_controls", [True, False])
def test_figure_is_drawn_with_and_without_controls(tmp_path: Path, with_controls: bool) -> None:
    main = [finished(d, {256: 0.01}, num_paths=100_000) for d in (2, 3)]
    sweep = [finished(d, {16: 0.5, 256: 0.01}) for d in (2, 3)] if with_controls else []
    paths = figure.draw(loader(paper=main, controls=sweep), "paper", tmp_path)
    assert {path.suffix for path in paths} == {".png", ".pdf"}
    assert all(path.stat().st_size > 1_000 for path in paths)


def test_figure_draws_the_main_job_from_one_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[set[int]] = []
    monkeypatch.setattr(
        figure, "_main_job", lambda panel, rows: drawn.append({row.num_paths for row in rows})
    )
    large, small = (finished(2, {256: 0.01}, num_paths=n) for n in (20_000, 5_000))
    figure.draw(loader(controls=[small, large]), "controls", tmp_path)
    assert drawn == [{20_000}, set()]


def test_records_with_the_same_draws_are_not_counted_together() -> None:
    first, second = finished(2, {256: 0.01}), finished(2, {256: 0.02}, tolerance=0.1)
    second.hash = "1" * 16
    text = table.table(loader(quick=[first], controls=[second]), "quick")
    assert text.count(", n = 1 |") == 2 * 2 + 2  # RMSE and ratio of each, and each by its width
    assert ", n = 2 |" not in text


def test_table_names_every_claim_and_its_verdict() -> None:
    text = table.table(loader(paper=[finished(2, {256: 0.5})]), "paper")
    for claim in claims.CLAIMS:
        assert f"| {claim.name} | {claim.statement} |" in text
    assert "**fail**" in text
    assert "a \\| b" in text  # a name may hold the column sign
