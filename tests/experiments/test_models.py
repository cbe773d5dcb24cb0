"""Checkpoints: their runs, their files, and their cards' statements measured again."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.models import cards, measuring
from experiments.models.catalogue import CHECKPOINTS, Checkpoint
from experiments.models.trained import TrackerRun, in_torch
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
    held = {name: record.notes["measured"][name] for name in again}
    assert held == pytest.approx(again, rel=1e-6) if "memory" not in again else True
    assert record.notes["outcome"] == measuring.outcome(run, again)
    assert record.notes["parameters"] == sum(p.numel() for p in model.parameters())
    assert record.metrics
