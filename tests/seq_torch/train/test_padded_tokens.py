"""Token data of unequal lengths, from the task to a trained model: padding has no say."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.data import IMDB, GeneratedListOps, Splits
from seq_torch import MeanOutput, S4DConfig, SequenceModelConfig, TokenInput, fit
from seqtheory.dataset import Dataset
from seqtheory.tasks import ListOps
from seqtheory.training import FitData, Training


def expressions(_: Path) -> tuple[Splits, int, int]:
    data = GeneratedListOps(task=ListOps(3, 30, num_examples=80), parts=(0.6, 0.2, 0.2))
    return data.load(seed=0), data.vocabulary, 10


def reviews(folder: Path) -> tuple[Splits, int, int]:
    path = folder / "reviews.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ((n, n % 2, ("très bien ", "mal ")[n % 2] * (1 + n % 5) + str(n)) for n in range(80))
        csv.writer(file).writerows([("id", "sentiment", "review"), *rows])
    data = IMDB(max_bytes=40)
    return data.load(path, seed=0), data.vocabulary, 2


@pytest.fixture(params=[expressions, reviews])
def task(request, tmp_path: Path) -> tuple[Splits, int, int]:
    return request.param(tmp_path)


def model(vocabulary: int, classes: int) -> torch.nn.Module:
    config = SequenceModelConfig(
        mixer=S4DConfig(state_dim=8),
        input=TokenInput(vocabulary=vocabulary),
        output=MeanOutput(size=classes),
        width=16,
        norm="batch",
    )
    return config.build(seed=0)


def repadded(data: Dataset, more: int, rng: np.random.Generator) -> Dataset:
    """The same tokens, with more padding and anything in it."""
    assert data.mask is not None
    mask = np.pad(data.mask, ((0, 0), (0, more)))
    inputs = rng.integers(0, 256, mask.shape).astype(np.uint8)
    inputs[mask] = data.inputs[data.mask]
    return Dataset(inputs, data.targets, mask)


TRAINING = Training(
    loss="cross_entropy", num_steps=40, batch_size=16, learning_rate=0.02, evaluate_every=20
)


def test_a_model_learns_from_padded_tokens(task):
    splits, vocabulary, classes = task
    assert not splits.train.mask.all()
    history = fit(model(vocabulary, classes), FitData(splits.train, splits.validation), TRAINING)
    losses = [each.metrics["train_loss"] for each in history.evaluations[1:]]
    assert history.status == "done"
    assert losses[-1] < losses[0]


def test_padding_has_no_influence_on_a_training(task):
    splits, vocabulary, classes = task
    rng = np.random.default_rng(0)
    trained = []
    for change in (0, 7):
        train, held_out = (repadded(p, change, rng) for p in (splits.train, splits.validation))
        net = model(vocabulary, classes).double()
        fit(net, FitData(train, held_out), TRAINING)
        net.eval()
        tokens, mask = (torch.from_numpy(np.array(a)) for a in (held_out.inputs, held_out.mask))
        with torch.no_grad():
            trained.append(net(tokens, mask=mask))
    torch.testing.assert_close(trained[0], trained[1], rtol=0, atol=1e-8)
