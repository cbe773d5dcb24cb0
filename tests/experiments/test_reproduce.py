"""Reruns: what is drawn, how two records are compared, and what is written down of it."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.commands import reproduce
from experiments.exit_code import ConfigError
from experiments.report import attestation, reproduction
from experiments.report.comparison import compare, headline


def record(study: str, seconds: float, name: str = "", preset: str = "quick") -> SimpleNamespace:
    facts = {"preset": preset, "wall_seconds": seconds}
    return SimpleNamespace(study=study, hash=name or f"{seconds:g}", provenance=facts)


POOL = [record(study, float(s)) for study in ("a", "b") for s in range(1, 51)]


def test_every_preset_is_drawn_from_before_any_is_drawn_from_twice():
    pool = [*POOL, record("c", 1000.0), record("a", 2000.0, preset="paper")]
    drawn = reproduce.draw(pool, 4, seed=0)
    assert {(held.study, held.provenance["preset"]) for held in drawn} == {
        ("a", "quick"),
        ("a", "paper"),
        ("b", "quick"),
        ("c", "quick"),
    }


def test_the_draw_depends_on_its_seed_alone():
    first = reproduce.draw(POOL, 20, seed=3)
    assert reproduce.draw(POOL[::-1], 20, seed=3) == first
    assert reproduce.draw(POOL, 20, seed=4) != first
    assert len({(held.study, held.hash) for held in first}) == 20


def test_a_budget_keeps_to_the_short_and_takes_the_shortest_of_what_is_long():
    pool = [*POOL, record("c", 1000.0), record("c", 900.0)]
    drawn = reproduce.draw(pool, 30, seed=0, minutes=5)
    long = [held for held in drawn if reproduce.seconds(held) > 10]
    assert [held.hash for held in long] == ["900"]
    assert len(drawn) == 21  # no more than ten of either are so short


def test_headline_numbers_are_the_last_metrics_and_the_notes():
    held = SimpleNamespace(
        metrics=[{"step": 1, "loss": 3.0}, {"step": 2, "loss": 1.0, "errors": [[1.0], [2.0, 3.0]]}],
        notes={"status": "done", "whole": True, "accuracy": {"test": 0.5}, "depth": None},
    )
    assert headline(held) == {
        "step": 2,
        "loss": 1.0,
        "errors[0][0]": 1.0,
        "errors[1][0]": 2.0,
        "errors[1][1]": 3.0,
        "notes.accuracy.test": 0.5,
    }


def test_deviations_of_the_three_kinds_name_their_numbers():
    found = compare(
        {"large": 1000.0, "tiny": 1e-9, "same": math.inf, "nan": math.nan, "lost": 1.0},
        {"large": 1001.0, "tiny": 2e-9, "same": math.inf, "nan": math.nan, "new": 1.0},
    )
    assert (found.compared, found.same, found.missing) == (4, 2, ("lost",))
    assert (found.absolute.metric, found.absolute.deviation) == ("large", 1.0)
    assert (found.relative.metric, found.relative.deviation) == ("tiny", 0.5)
    assert (found.mixed.metric, found.mixed.deviation) == ("large", 1.0 / 1001.0)


@pytest.mark.parametrize("other", [math.nan, math.inf, -math.inf])
def test_what_is_finite_only_once_deviates_infinitely(other):
    for pair in ((1.0, other), (other, 1.0)):
        found = compare({"loss": pair[0]}, {"loss": pair[1]})
        assert found.absolute.deviation == found.relative.deviation == math.inf


def attested(status: str = "done", **numbers: float) -> attestation.Attestation:
    return attestation.Attestation(
        date="2026-01-02T03:04:05+00:00",
        study="toy.linear_cde",
        preset="quick",
        hash="0" * 16,
        published={"status": "done", "processor": "P", "gpus": [], "commit": "c", "dirty": False},
        commit="d",
        dirty=False,
        processor="P",
        family="P 1 2",
        threads=1,
        versions={"numpy": "2"},
        seconds=1.0,
        status=status,
        message="",
        numbers=compare({"loss": 1.0, "rmse": math.nan}, {"rmse": math.nan, **numbers}),
    )


@pytest.mark.parametrize(
    ("found", "exact", "close"),
    [
        (attested(loss=1.0), True, True),
        (attested(loss=1.0 + 1e-9), False, True),
        (attested(loss=1.1), False, False),
        (attested(loss=math.nan), False, False),
        (attested(), False, False),
        (attested("diverged", loss=1.0), False, False),
    ],
)
def test_an_attestation_comes_back_from_its_file_and_judges(found, exact, close, tmp_path):
    path = tmp_path / "made" / "here.jsonl"
    attestation.append(path, found)
    attestation.append(path, found)
    assert [str(each) for each in attestation.read(path)] == [str(found)] * 2  # NaN is not itself
    assert (found.exact, found.close) == (exact, close)
    assert found.summary()


def test_a_file_is_named_by_its_day_and_processor():
    name = attestation.file_name("2026-01-02T03:04:05+00:00", "Intel(R) Xeon(R) Processor @ 2 GHz")
    assert name == "2026-01-02-intel-xeon-processor-2-ghz.jsonl"


def test_a_published_record_is_run_again_and_attested_once(tmp_path: Path, capsys):
    request = reproduce.Request(
        sample=2, seed=1, minutes=0.01, study="memory.theory", attestations=tmp_path
    )
    assert reproduce.reproduce(request) == 0
    (path,) = tmp_path.iterdir()
    (found,) = attestation.read(path)
    assert (found.study, found.status, found.threads) == ("memory.theory", "done", 1)
    assert found.numbers.compared > 100
    assert found.numbers.missing == ()
    assert "1/1 memory.theory quick" in capsys.readouterr().out
    assert reproduce.reproduce(request) == 0
    assert len(attestation.read(path)) == 1
    assert "1 of them attested already" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"sample": 0}, {"workers": 0}, {"minutes": 0.0}])
def test_what_cannot_be_asked_for_is_refused(wrong, tmp_path):
    with pytest.raises(ConfigError, match="expected"):
        reproduce.reproduce(reproduce.Request(attestations=tmp_path, **wrong))


def test_the_sentence_counts_reruns_and_names_the_largest_deviation():
    found = [attested(loss=1.0), attested(loss=1.0 + 1e-9), attested(loss=1.5), attested("failed")]
    assert reproduction.sentence(found) == (
        "1 of 4 reruns agree to the digit, 2 within 1e-06; 1 ended otherwise; the largest "
        "deviation is 0.33 (loss of a run of `toy.linear_cde`)."
    )
    assert reproduction.sentence(found[:1]) == (
        "1 of 1 reruns agree to the digit, 1 within 1e-06; 0 ended otherwise."
    )
    assert reproduction.sentence([]) == "No attestation yet."


def test_the_page_shows_every_rerun_that_deviates(tmp_path, monkeypatch):
    monkeypatch.setattr(attestation, "FOLDER", tmp_path)
    assert "No attestation yet." in reproduction.page()
    for name, found in {
        "0" * 16: attested(loss=1.0),
        "1" * 16: attested(loss=1.5),
        "2" * 16: dataclasses.replace(attested("failed"), numbers=None),
    }.items():
        attestation.append(tmp_path / "here.jsonl", dataclasses.replace(found, hash=name))
    text = reproduction.page()
    assert "| toy.linear_cde | quick | 3 | 1 | 1 | 1 | 0.33 |" in text
    assert "0" * 16 not in text
    assert "| toy.linear_cde 1111111111111111 | done | P | P | 1 of 2 | 0.33 (loss)" in text
    assert "| toy.linear_cde 2222222222222222 | failed, published done | P | P | none" in text


def test_of_a_record_the_newest_attestation_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(attestation, "FOLDER", tmp_path)
    old = dataclasses.replace(attested(loss=1.5), date="2025-01-01T00:00:00+00:00")
    for found in (attested(loss=1.0), old):
        attestation.append(tmp_path / "here.jsonl", found)
    assert [each.exact for each in attestation.committed()] == [True]
