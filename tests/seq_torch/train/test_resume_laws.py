"""A resumed training ends with the bytes of one that was never interrupted."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seq_torch import fit
from seqtheory.dataset import Dataset
from seqtheory.training import FitData, Snapshot, Training

TRAINING = Training(
    loss="cross_entropy",
    num_steps=14,
    batch_size=4,  # 22 rows: epochs end at steps 6 and 12, each with a short batch
    learning_rate=0.02,
    schedule="cosine",
    warmup_steps=5,
    weight_decay=0.1,
    clip=0.5,
    evaluate_every=3,
    seed=5,
)


def stored(snapshot: Snapshot) -> Snapshot:
    """Through strict JSON and bytes, as a checkpoint would keep it."""
    tensors = {
        name: np.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)
        for name, array in snapshot.tensors.items()
    }
    return Snapshot(snapshot.step, tensors, json.loads(json.dumps(snapshot.state, allow_nan=False)))


@pytest.mark.parametrize("auxiliary", ["summed", "separate"])
def test_a_resume_at_any_step_gives_the_same_bytes(tagger, words, snapshots, bytes_of, auxiliary):
    training = replace(TRAINING, auxiliary=auxiliary)
    model = tagger()
    held, history = snapshots(fit, model, words, training)
    assert [s.step for s in held] == list(range(1, 15))
    for snapshot in held:
        torch.manual_seed(snapshot.step)  # the caller's random numbers play no part
        resumed = tagger(seed=9)
        again = fit(resumed, words, training, resume=stored(snapshot))
        assert repr(again) == repr(history)
        assert bytes_of(resumed) == bytes_of(model)


def test_a_snapshot_is_that_of_its_step(tagger, words, snapshots):
    model = tagger()
    held, _ = snapshots(fit, model, words, TRAINING)
    resumed = tagger(seed=9)
    later, _ = snapshots(
        lambda *args, **keys: fit(*args, resume=stored(held[4]), **keys), resumed, words, TRAINING
    )
    assert [s.step for s in later] == list(range(6, 15))
    for ours, theirs in zip(later, held[5:], strict=True):
        assert ours.tensors.keys() == theirs.tensors.keys()
        assert all(ours.tensors[k].tobytes() == theirs.tensors[k].tobytes() for k in ours.tensors)
        assert ours.state == theirs.state


def test_a_resume_at_the_end_takes_no_step(tagger, words, snapshots):
    held, history = snapshots(fit, tagger(), words, TRAINING)
    later, again = snapshots(
        lambda *args, **keys: fit(*args, resume=held[-1], **keys), tagger(), words, TRAINING
    )
    assert not later
    assert repr(again) == repr(history)


def test_a_resume_where_the_target_was_met_takes_no_step(line, points, snapshots):
    training = Training(num_steps=500, learning_rate=0.1, target=0.3, evaluate_every=5)
    held, history = snapshots(fit, line(), points, training)
    assert history.status == "target"
    assert held[-1].step == history.step
    resumed = line()
    assert fit(resumed, points, training, resume=held[-1]) == history
    np.testing.assert_array_equal(resumed.weight.detach(), held[-1].tensors["model.weight"])


def test_buffers_are_part_of_a_snapshot(points, snapshots, bytes_of):
    def build():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))

    training = Training(num_steps=6, batch_size=5, evaluate_every=2)
    model, resumed = build(), build()
    held, history = snapshots(fit, model, points, training)
    assert fit(resumed, points, training, resume=stored(held[2])) == history
    assert bytes_of(resumed) == bytes_of(model)


def test_a_snapshot_shares_no_memory_with_the_model(line, points, snapshots):
    held, _ = snapshots(fit, line(), points, Training(num_steps=2))
    assert not np.array_equal(held[0].tensors["model.weight"], held[1].tensors["model.weight"])


@pytest.fixture
def held(line, points, snapshots):
    return snapshots(fit, line(), points, Training(num_steps=2))[0][0]


def test_the_snapshot_of_another_model_is_refused(line, points, held, bytes_of):
    training = Training(num_steps=2)
    wider = nn.Sequential(nn.Linear(3, 1))
    with pytest.raises(ValueError, match=r"lacks the tensor 0\.bias"):
        fit(wider, points, training, resume=held)
    other = line(dtype=torch.float32)
    before = bytes_of(other)
    with pytest.raises(ValueError, match=r"bias has shape .* float64, but the .* float32"):
        fit(other, points, training, resume=held)
    assert bytes_of(other) == before
    missing = {k: v for k, v in held.tensors.items() if k != "optimiser.bias.exp_avg_sq"}
    with pytest.raises(ValueError, match=r"lacks the tensor optimiser\.bias\.exp_avg_sq"):
        fit(line(), points, training, resume=replace(held, tensors=missing))
    more = {**held.tensors, "model.skip": np.zeros(2)}
    with pytest.raises(ValueError, match="holds the tensor skip, which this model"):
        fit(line(), points, training, resume=replace(held, tensors=more))


@pytest.mark.parametrize(
    ("name", "value"), [("learning_rate", 0.5), ("seed", 1), ("num_steps", 3), ("clip", 1.0)]
)
def test_the_snapshot_of_other_settings_is_refused(line, points, held, name, value):
    training = replace(Training(num_steps=2), **{name: value})
    with pytest.raises(ValueError, match=f"made with {name}=.*has {name}={value}"):
        fit(line(), points, training, resume=held)


def test_the_snapshot_of_other_data_is_refused(line, points, held):
    inputs = points.train.inputs.copy()
    inputs[3, 1] += 1e-9
    other = FitData(Dataset(inputs, points.train.targets), points.held_out)
    with pytest.raises(ValueError, match="other data"):
        fit(line(), other, Training(num_steps=2), resume=held)


def test_what_is_no_snapshot_is_refused(line, points, held):
    with pytest.raises(ValueError, match="state lacks data, evaluations"):
        fit(line(), points, Training(num_steps=2), resume=replace(held, state={"step": 1}))
