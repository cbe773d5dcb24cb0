"""Checkpoints that come with `seq_torch`: one run makes one, measures it and keeps it.

Preset `quick` makes all of the catalogue; a run of `smoke` takes seconds and decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from experiments.kept_model import keep
from experiments.models import by_hand, trained
from experiments.models.by_hand import IntegralRun, RepresentationRun, StackRun
from experiments.models.catalogue import CHECKPOINTS
from experiments.models.measuring import AnyRun, measured, memory, outcome
from experiments.models.trained import MemoryRun, TrackerRun
from experiments.run import Run, of_preset
from experiments.tracking import tracking_run
from experiments.tracking.sequence_models import tracker_of
from seqtheory.settings import RNN
from seqtheory.tasks import Parity
from seqtheory.training import Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

__all__ = ["IntegralRun", "MemoryRun", "RepresentationRun", "StackRun", "TrackerRun"]

VERSION = 1
PRESETS = ("smoke", "quick")
DEFAULT_PRESET = "quick"


def runs(preset: str) -> list[Run]:
    """List the runs of a preset."""
    makers: Any = {"smoke": _smoke, "quick": lambda: [each.run for each in CHECKPOINTS]}
    return of_preset(preset, makers)


def _smoke() -> list[Run]:
    short = {"learning_rate": 1e-2, "num_steps": 4, "evaluate_every": 2, "batch_size": 16}
    return [
        StackRun(group="S3", length=2, num_longer=20),
        RepresentationRun(group="S3", length=4, num_longer=20),
        IntegralRun(num_paths=20),
        MemoryRun(length=20, num_train=64, num_held_out=8, horizon=20, training=Training(**short)),
        TrackerRun(
            task=Parity(min_length=2, max_length=6, num_sequences=200),
            mixer=RNN(),
            width=8,
            num_held_out=20,
            num_longer=20,
            training=Training(loss="cross_entropy", **short),
        ),
    ]


def execute(run: AnyRun, recorder: Recorder) -> None:
    """Make a model, measure it, and keep it in the record."""
    match run:
        case TrackerRun() | MemoryRun():
            _train(run, recorder)
        case StackRun():
            _set(run, by_hand.stack(run), recorder)
        case RepresentationRun():
            _set(run, by_hand.recurrence(run), recorder)
        case IntegralRun():
            _set(run, by_hand.integral(run), recorder)


def _set(run: AnyRun, model: Any, recorder: Recorder) -> None:
    found = measured(run, model)
    recorder.log(0, **{k: v for k, v in found.items() if isinstance(v, int | float)})
    keep(recorder, model, step=0)
    _note(run, model, found, recorder)
    recorder.progress(1, 1)


def _train(run: TrackerRun | MemoryRun, recorder: Recorder) -> None:
    import seq_torch
    from experiments.fitting import fit_recorded

    tracks = isinstance(run, TrackerRun)
    model = trained.tracker(run) if tracks else trained.learner(run)
    drawn = None if tracks else memory(run, model)
    fit_recorded(
        seq_torch.fit, model, trained.data_of(run), trained.seeded(run), recorder, keep_model=True
    )
    found = measured(run, model)
    if tracks:
        found["prediction"] = tracking_run.prediction(run, tracker_of(model))
    else:
        found["drawn"] = drawn
    _note(run, model, found, recorder)


def _note(run: AnyRun, model: Any, found: dict[str, Any], recorder: Recorder) -> None:
    count = sum(p.numel() for p in model.parameters())
    recorder.note(device="cpu", parameters=count, outcome=outcome(run, found), measured=found)
