"""Each optimiser trains a model with hidden layers, and a resume gives the same bytes."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

from seq_torch import fit
from seqtheory.training import Training

TRAINING = Training(
    loss="cross_entropy",
    num_steps=7,
    batch_size=4,
    learning_rate=0.02,
    weight_decay=0.1,
    clip=0.5,
    schedule="warmup_stable_decay",
    warmup_steps=2,
    decay_steps=3,
    evaluate_every=3,
)
MUON = {"optimiser": "muon", "matrix_learning_rate": 0.05, "matrix_weight_decay": 0.1}
OPTIMISERS = [{"optimiser": "adamw"}, {"optimiser": "sgd"}, {"optimiser": "momentum"}, MUON]


class Layered(nn.Module):
    """Running sums of embedded tokens between two linear maps."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.embedding = nn.Embedding(4, 6)
            self.layers = nn.ModuleList([nn.Linear(6, 8), nn.Linear(8, 6)])
            self.readout = nn.Linear(6, 3)

    def forward(self, inputs, mask=None):
        x = self.embedding(inputs)
        if mask is not None:
            x = x * mask[..., None]
        first, second = self.layers
        return self.readout(x + second(first(x.cumsum(1)).relu()))


@pytest.mark.parametrize("settings", OPTIMISERS, ids=lambda held: held["optimiser"])
def test_a_resume_gives_the_same_bytes(words, snapshots, bytes_of, settings):
    training = replace(TRAINING, **settings)
    model = Layered()
    before = bytes_of(model)
    held, history = snapshots(fit, model, words, training)
    changed = {name for name, value in bytes_of(model).items() if value != before[name]}
    assert changed == set(before)
    for snapshot in held[1::2]:
        stored = json.loads(json.dumps(snapshot.state, allow_nan=False))
        resumed = Layered()
        again = fit(resumed, words, training, resume=replace(snapshot, state=stored))
        assert repr(again) == repr(history)
        assert bytes_of(resumed) == bytes_of(model)


def test_the_snapshot_of_another_optimiser_is_refused(words, snapshots):
    held, _ = snapshots(fit, Layered(), words, replace(TRAINING, **MUON))
    assert {n for n in held[0].tensors if n.startswith("optimiser.layers.0.weight")} == {
        "optimiser.layers.0.weight.average"
    }
    with pytest.raises(ValueError, match=r"made with matrix_learning_rate=0\.05, but"):
        fit(Layered(), words, TRAINING, resume=held[0])
    names = {n: a for n, a in held[0].tensors.items() if not n.endswith("0.weight.average")}
    fit(Layered(), words, replace(TRAINING, **MUON), resume=replace(held[0], tensors=names))


def test_a_divergence_under_muon_is_told(words):
    training = replace(TRAINING, **MUON, learning_rate=1e30, clip=None)
    history = fit(Layered(), words, training)
    assert history.status == "diverged"
    assert history.divergence is not None
    assert 1 <= history.divergence["step"] <= 3
