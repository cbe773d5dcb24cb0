"""Every mixer trains on every task, also where few targets count or short sequences are padded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import seq_torch as st
from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.tasks import (
    Copying,
    CycleNavigation,
    EvenPairs,
    FiniteAutomaton,
    GroupWords,
    ModularArithmetic,
    ModularCounting,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
    TokenTask,
)
from seqtheory.training import FitData, Training

SHORT: dict[str, Any] = {"min_length": 3, "max_length": 7, "num_sequences": 8}
RECALL = MultiQueryRecall(num_pairs=2, num_keys=3, num_values=3, min_length=5, max_length=8,
                          num_sequences=8)  # fmt: skip
GAPPED = MultiQueryRecall(num_pairs=2, num_keys=3, num_values=3, min_length=8, max_length=11,
                          num_sequences=8, gap_power=0.01)  # fmt: skip
TASKS: list[TokenTask] = [
    Parity(**SHORT),
    ModularCounting(**SHORT),
    EvenPairs(**SHORT),
    CycleNavigation(**SHORT),
    ModularArithmetic(**SHORT),
    ModularArithmetic(brackets=True, **SHORT),
    FiniteAutomaton(**SHORT),
    Copying(num_symbols=3, **SHORT),
    RECALL,
    GAPPED,
    SelectiveCopying(num_symbols=3, num_memorised=2, **SHORT),
    GroupWords("S3", 4, 8),
    GroupWords("S3", 4, 8, tokens_per_letter=4),
]
TRAINING = Training(loss="cross_entropy", num_steps=2, batch_size=4, evaluate_every=1)


def trained(configured, mixer: st.MixerConfig, task: TokenTask) -> tuple[st.SequenceModel, Dataset]:
    data = task.build(seed=0)
    settings = {
        "input": st.TokenInput(vocabulary=task.num_tokens),
        "output": st.StepOutput(size=task.num_classes),
    }
    model = configured(mixer, **settings).build(0)
    history = st.fit(model, FitData(data, data), TRAINING)
    assert history.status == "done"
    assert np.isfinite([e.metrics["loss"] for e in history.evaluations]).all()
    return model.eval(), data


def test_every_kind_of_mixer_trains_where_few_targets_count(kind, configured):
    trained(configured, kind, RECALL)


@pytest.mark.parametrize("task", TASKS, ids=repr)
@pytest.mark.parametrize("mixer", [st.S4DConfig(state_dim=4), st.LSTMConfig()], ids=repr)
def test_every_task_is_scored_by_its_own_targets_on_all_inputs(configured, mixer, task):
    model, data = trained(configured, mixer, task)
    mask = None if data.mask is None else torch.tensor(data.mask)
    with torch.no_grad():
        outputs = model(torch.tensor(data.inputs), mask)
    counted = np.ones(data.targets.shape, bool) if data.counted is None else data.counted
    picked, labels = outputs[torch.tensor(counted)], torch.tensor(data.targets[counted]).long()
    expected = float(torch.nn.functional.cross_entropy(picked, labels))
    found = st.evaluate(model, data, "cross_entropy")
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    predicted = outputs.argmax(-1).numpy()
    assert found["token_accuracy"] == metrics.token_accuracy(predicted, data.targets, counted)


def test_what_is_not_scored_teaches_nothing_but_is_seen(configured):
    data = RECALL.build(seed=0)
    assert data.scored is not None
    spoilt = Dataset(data.inputs, np.where(data.scored, data.targets, 99), data.mask, data.scored)
    blind = Dataset(np.where(data.scored, data.inputs, 0), data.targets, data.mask, data.scored)
    losses = []
    for train in (data, spoilt, blind):
        model = configured(
            st.S4DConfig(state_dim=4),
            input=st.TokenInput(vocabulary=RECALL.num_tokens),
            output=st.StepOutput(size=RECALL.num_classes),
        ).build(0)
        history = st.fit(model, FitData(train, train), TRAINING)
        losses.append([e.metrics["loss"] for e in history.evaluations])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]
