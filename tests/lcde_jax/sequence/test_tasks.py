"""Models train on every task, also where few targets count or short sequences are padded."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import lcde_jax as lj
from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.tasks import (
    Copying,
    GroupWords,
    ModularArithmetic,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
    TokenTask,
)
from seqtheory.training import FitData, Training

KEY = jax.random.key(0)
SHORT: dict[str, Any] = {"min_length": 3, "max_length": 7, "num_sequences": 8}
RECALL = MultiQueryRecall(num_pairs=2, num_keys=3, num_values=3, min_length=5, max_length=8,
                          num_sequences=8)  # fmt: skip
GAPPED = MultiQueryRecall(num_pairs=2, num_keys=3, num_values=3, min_length=8, max_length=11,
                          num_sequences=8, gap_power=0.01)  # fmt: skip
TASKS: list[TokenTask] = [
    Parity(**SHORT),
    ModularArithmetic(**SHORT),
    ModularArithmetic(brackets=True, **SHORT),
    Copying(num_symbols=3, **SHORT),
    RECALL,
    GAPPED,
    SelectiveCopying(num_symbols=3, num_memorised=2, **SHORT),
    GroupWords("S3", 4, 8, tokens_per_letter=4),
]
# One size for all tasks, so that what is compiled for one serves the others.
TOKENS, CLASSES = (max(getattr(t, f"num_{n}") for t in TASKS) for n in ("tokens", "classes"))
MIXERS = [
    lj.LinearCDEConfig(state_dim=4),
    lj.S5Config(state_dim=4),
    lj.S4DConfig(state_dim=4),
    lj.S4DPLRConfig(state_dim=4),
]
TRAINING = Training(loss="cross_entropy", num_steps=2, batch_size=4, evaluate_every=2)


def sequence_model(mixer: Any = MIXERS[0]) -> lj.SequenceModel:
    return lj.SequenceModelConfig(
        mixer=mixer,
        input=lj.TokenInput(vocabulary=TOKENS),
        output=lj.StepOutput(size=CLASSES),
        width=8,
    ).build(KEY)


def classifier() -> lj.LinearCDEClassifier:
    return lj.LinearCDEClassifier(TOKENS, CLASSES, 4, key=KEY)


@pytest.mark.parametrize("mixer", MIXERS, ids=repr)
def test_every_mixer_trains_where_few_targets_count(mixer):
    data = RECALL.build(seed=0)
    fitted, history = lj.fit(sequence_model(mixer), FitData(data, data), TRAINING, key=KEY)
    assert history.status == "done"
    assert np.isfinite(lj.evaluate(fitted, data, "cross_entropy")["loss"])


def test_the_classifier_trains_where_few_targets_count():
    data = RECALL.build(seed=0)
    _, history = lj.fit(classifier(), FitData(data, data), TRAINING, key=KEY)
    assert history.status == "done"


@pytest.mark.parametrize("task", TASKS, ids=repr)
@pytest.mark.parametrize("build", [sequence_model, classifier])
def test_every_task_is_scored_by_its_own_targets_on_all_inputs(build, task):
    data, model = task.build(seed=0), build()
    FitData(data, data).check(TRAINING)
    outputs = np.asarray(model(data.inputs, data.mask))
    counted = np.ones(data.targets.shape, bool) if data.counted is None else data.counted
    scores = np.asarray(jax.nn.log_softmax(outputs))
    picked = np.take_along_axis(scores, data.targets[..., None].astype(int), axis=-1)[..., 0]
    found = lj.evaluate(model, data, "cross_entropy")
    assert found["loss"] == pytest.approx(-picked[counted].mean(), rel=1e-5)
    predicted = outputs.argmax(-1)
    assert found["token_accuracy"] == metrics.token_accuracy(predicted, data.targets, counted)


def test_what_is_not_scored_teaches_nothing_but_is_seen():
    data = RECALL.build(seed=0)
    assert data.scored is not None
    spoilt = Dataset(data.inputs, np.where(data.scored, data.targets, 99), data.mask, data.scored)
    blind = Dataset(np.where(data.scored, data.inputs, 0), data.targets, data.mask, data.scored)
    losses = []
    for train in (data, spoilt, blind):
        _, history = lj.fit(sequence_model(), FitData(train, train), TRAINING, key=KEY)
        losses.append([e.metrics["loss"] for e in history.evaluations])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
