"""Signature labels from random features: the end of a random linear CDE, and a linear readout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seqtheory import metrics

if TYPE_CHECKING:
    from experiments.bench.measurements import BenchRun
    from experiments.recorder import Recorder
    from seqtheory.training import FitData


def read(run: BenchRun, recorder: Recorder, data: FitData) -> None:
    """Read the coefficient out of random features by least squares, as the study `toy` does."""
    import jax

    from lcde_jax import LinearCDE, fit_readout, random_features

    train, held_out = data.sample, data.held_out
    cde = LinearCDE(run.width, train.inputs.shape[-1], key=jax.random.key(run.seed))
    features = [random_features(cde, part.inputs) for part in (train, held_out)]
    readout = fit_readout(features[0], train.targets)
    error = metrics.rmse(readout.predict(features[1]), held_out.targets)
    recorder.log(0, rmse=float(error), rank=readout.rank)
