"""Checkpoints: their runs, their files, and their cards' statements measured again."""

from __future__ import annotations

import hashlib
import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import study as studies
from experiments.__main__ import main
from experiments.exit_code import ConfigError
from experiments.fields import leaves
from experiments.models import cards, measuring
from experiments.models.by_hand import IntegralRun, StackRun
from experiments.models.catalogue import CHECKPOINTS, Checkpoint
from experiments.models.trained import MemoryRun, TrackerRun, in_torch
from experiments.models.words import percent
from experiments.record import Record
from experiments.run import canonical
from experiments.zoo import MODELS

STUDY = studies.load(cards.STUDY)


def name_of(each: Checkpoint) -> str:
    return each.name


def test_there_are_at_least_twenty_and_each_has_a_name_a_run_and_a_model_of_its_own():
    assert len(CHECKPOINTS) >= 20
    assert len({each.name for each in CHECKPOINTS}) == len(CHECKPOINTS)
    assert len({each.run for each in CHECKPOINTS}) == len(CHECKPOINTS)
    assert {each.model for each in CHECKPOINTS} <= {model.name for model in MODELS}


@pytest.mark.parametrize("preset", STUDY.module.PRESETS)
def test_every_run_is_heard_as_it_was_said(preset):
    for run in STUDY.runs(preset):
        assert STUDY.heard(canonical(run)) == run


@pytest.mark.parametrize("each", [c for c in CHECKPOINTS if c.outcome == "fails"], ids=name_of)
def test_theory_forbids_what_fails(each):
    verdict = cards.theory(each)
    assert verdict is not None
    assert verdict["status"] == "impossible"


@pytest.mark.parametrize("each", [c for c in CHECKPOINTS if c.outcome == "holds"], ids=name_of)
def test_theory_allows_what_holds(each):
    verdict = cards.theory(each)
    assert verdict is None or verdict["status"] == "possible"


def test_a_name_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match="'a5/block-4'; did you mean 'a5/blocks-4'"):
        cards.chosen(["a5/block-4"])


@pytest.mark.parametrize(
    ("share", "said"), [(1.0, "100 %"), (0.99999, "99.9 %"), (0.5, "50 %"), (0.0, "0 %")]
)
def test_a_share_is_never_rounded_up(share, said):
    assert percent(share) == said


@pytest.mark.needs_torch
def test_settings_without_a_framework_become_those_of_torch():
    mixers = {each.run.mixer for each in CHECKPOINTS if isinstance(each.run, TrackerRun)}
    for mixer in mixers:
        assert isinstance(in_torch(mixer), type(mixer))


@pytest.mark.needs_torch
@pytest.mark.parametrize("run", STUDY.runs("smoke"), ids=lambda run: type(run).__name__)
def test_a_run_keeps_a_model_that_measures_as_its_record_says(bench, run):
    import seq_torch

    bench.study = cards.STUDY
    job = bench.job(run=run)
    assert bench.perform(job).status == "done"
    record = Record.open(Path(job.folder))
    model = seq_torch.load(record.file("model.safetensors"))
    again = measuring.measured(run, model)
    said = dict(leaves(record.notes["measured"], ""))
    for name, value in leaves(again, ""):
        assert said[name] == pytest.approx(value, rel=1e-6, abs=1e-12), name
    assert record.notes["outcome"] == measuring.outcome(run, again)
    assert record.notes["parameters"] == sum(p.numel() for p in model.parameters())
    assert record.metrics


def held_card(each: Checkpoint) -> dict[str, Any]:
    return json.loads((cards.folder() / f"{each.name}.json").read_text(encoding="utf-8"))


def weights_of(each: Checkpoint) -> bytes:
    content = (cards.folder() / Path(each.name).with_name(held_card(each)["file"])).read_bytes()
    return content if content[8:9] == b"{" else lzma.decompress(content)


@pytest.mark.parametrize("each", CHECKPOINTS, ids=name_of)
def test_files_are_those_that_the_published_record_makes(each):
    record = Record.open(studies.PUBLISHED / STUDY.name / STUDY.hash(each.run))
    weights = weights_of(each)
    assert hashlib.sha256(weights).hexdigest() == record.files["model.safetensors"]
    assert held_card(each) == cards.card(each, record, weights)


def test_files_are_small_and_no_file_is_of_no_checkpoint():
    paths = [path for path in cards.folder().rglob("*") if path.is_file()]
    sizes = [path.stat().st_size for path in paths if path.suffix != ".json"]
    assert len(paths) == 2 * len(CHECKPOINTS) == 2 * len(sizes)
    assert sum(sizes) < 5e6
    assert np.mean([size < 100_000 for size in sizes]) > 0.8


def test_all_are_listed_with_what_they_show(capsys):
    assert main(["models"]) == 0
    out = capsys.readouterr().out
    for each in CHECKPOINTS:
        assert f"{each.name} (" in out
        assert held_card(each)["shows"] in out


def test_a_checkpoint_that_does_not_show_what_it_should_is_not_written(tmp_path):
    each = CHECKPOINTS[0]
    record = Record.open(studies.PUBLISHED / STUDY.name / STUDY.hash(each.run))
    with pytest.raises(ConfigError, match=r"shows that it exact .*expected drifts"):
        cards.write(replace(each, outcome="drifts"), record, tmp_path)


def fresh(run: Any) -> Any:
    """The run with other and fewer data to be measured on."""
    if isinstance(run, MemoryRun):
        return replace(run, data_seed=9, num_train=1, num_held_out=128)
    if isinstance(run, IntegralRun):
        return replace(run, data_seed=9)
    return replace(run, data_seed=9, num_longer=40 if isinstance(run, StackRun) else 100)


@pytest.mark.needs_torch
@pytest.mark.parametrize("each", CHECKPOINTS, ids=name_of)
def test_a_card_says_what_is_measured_on_fresh_data(each):
    from seq_torch import pretrained

    model, card = pretrained.load(each.name)
    run, said = fresh(each.run), card["measured"]
    found = measuring.measured(run, model)
    if isinstance(run, MemoryRun):
        assert found["error"] == pytest.approx(said["error"], rel=0.5)
        assert found["memory"]["values"] == pytest.approx(said["memory"]["values"], rel=1e-6)
        drawn = model.config.build(run.seed).double()
        again = measuring.memory(run, drawn)
        assert again["values"] == pytest.approx(said["drawn"]["values"], rel=1e-6)
        return
    if isinstance(run, IntegralRun):
        assert measuring.outcome(run, found) == card["outcome"] == "exact"
        return
    assert found["accuracy"] == pytest.approx(said["accuracy"], abs=0.1)
    trained, last = run.tested[0], run.tested[-1]
    if each.outcome in ("exact", "holds"):
        assert found["accuracy"][str(trained)] > 0.99
    if each.outcome == "holds":
        assert found["horizon"] > 0.8 * last
    if each.outcome in ("drifts", "overflows"):
        assert 0.5 < found["horizon"] / said["horizon"] < 2
        assert 0.5 < found["single_horizon"] / said["single_horizon"] < 2
    if each.outcome == "fails":
        assert found["horizon"] < trained
        assert found["accuracy"][str(trained)] < 0.97
