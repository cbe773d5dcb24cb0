"""Signature: iterated integrals of paths in two and three dimensions, learnt from examples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.bench.baselines import FEATURES
from experiments.bench.cards import Measurement
from experiments.bench.parts import part as parts
from experiments.bench.parts import random_features
from seqtheory import metrics
from seqtheory.checks import require_choice
from seqtheory.tasks import SignatureLabels
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiments.bench.measurements import BenchRun
    from experiments.record import Record
    from experiments.recorder import Recorder


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One training on signature labels of random paths.

    Parameters
    ----------
    task
        Paths and the word of the coefficient.
    data_seed
        Decides the paths.
    training
        Its seed is the run's.
    """

    task: SignatureLabels
    training: Training
    data_seed: int = 1234

    def __post_init__(self) -> None:
        """Refuse what could not be measured."""
        require_choice("training.loss", self.training.loss, ("squared_error",))

    def measure(self, run: BenchRun, recorder: Recorder) -> None:
        """Train; the held-out error over that of predicting zero is the result."""
        fraction = self.task.train_fraction
        data = self.task.build(self.data_seed)
        train, held_out = data.split((fraction, 1 - fraction), seed=None)
        recorder.note(predict_zero=metrics.rmse(np.zeros(len(held_out)), held_out.targets))
        data = FitData(train, held_out)
        (random_features.read if run.model in FEATURES else self._train)(run, recorder, data)

    def _train(self, run: BenchRun, recorder: Recorder, data: FitData) -> None:
        import seq_torch
        from experiments.fitting import fit_recorded

        inputs = seq_torch.LinearInput(channels=self.task.channels)
        model = parts.build(run, inputs, seq_torch.LastOutput(size=1))
        training = replace(self.training, seed=run.seed)
        fit_recorded(seq_torch.fit, model, data, training, recorder)


def settings(preset: str) -> list[Signature]:
    """List the trainings of a preset: two dimensions, then three."""
    steps = {"smoke": 10, "quick": 500, "full": 8_000}[preset]
    paths, length = (100, 20) if preset == "smoke" else (5_000, 100)
    training = Training(
        learning_rate=3e-3,
        schedule="cosine",
        warmup_steps=steps // 10,
        num_steps=steps,
        clip=1.0,
        evaluate_every=max(steps // 4, 1),
    )
    return [
        Signature(
            task=SignatureLabels(
                channels=channels, num_paths=paths, length=length, dtype="float32"
            ),
            training=training,
        )
        for channels in (2, 3)
    ]


def measured(records: Sequence[Record]) -> list[Measurement]:
    """Turn the records of one model into measurements."""
    return [_ratio(held) for held in parts.grouped(records, lambda run: run.part.task).values()]


def _ratio(records: Sequence[Record]) -> Measurement:
    run, chosen = records[0].run, parts.done(records)
    ratios = [held.metrics[-1]["rmse"] / held.notes["predict_zero"] for held in chosen]
    same: dict[str, Any] = {"part": "signature", "model": parts.name(run), "better": "less"}
    return Measurement(
        **same,
        item=f"a coefficient of {run.part.task.channels}-D paths",
        metric="error over that of predicting zero",
        **parts.interval(ratios),
        runs=parts.hashes(records),
        note=parts.diverged(records),
    )
