"""Streamed metrics are those of the whole data set."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seq_torch import evaluate
from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.training import Training


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2, 5, 17, 100])
def test_accuracies_are_those_of_the_whole_set(tagger, words, batch_size, masked):
    whole = words.held_out
    data = whole if masked else Dataset(whole.inputs, whole.targets)
    model = tagger().double()
    found = evaluate(model, data, "cross_entropy", batch_size)
    model.eval()
    tokens = torch.tensor(data.inputs).long()
    with torch.no_grad():
        scores = model(tokens, None if data.mask is None else torch.tensor(data.mask))
    predicted = scores.argmax(-1).numpy()
    for name in ("token_accuracy", "sequence_accuracy"):
        assert found[name] == pytest.approx(
            getattr(metrics, name)(predicted, data.targets, data.mask)
        )
    np.testing.assert_allclose(
        found["position_accuracy"],
        metrics.position_accuracy(predicted, data.targets, data.mask),
        rtol=1e-14,
    )
    logs = torch.log_softmax(scores, -1).numpy()
    losses = -np.take_along_axis(logs, data.targets[..., None], -1)[..., 0]
    mask = np.ones(losses.shape, bool) if data.mask is None else data.mask
    assert found["loss"] == pytest.approx(losses[mask].mean(), rel=1e-12)


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    rows=st.integers(1, 9),
    shape=st.sampled_from([(), (2,), (4, 2)]),
    batch_size=st.integers(1, 10),
    seed=st.integers(0, 100),
)
def test_the_error_is_that_of_the_whole_set(rows, shape, batch_size, seed):
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, *shape))
    mask = None
    if len(shape) == 2:
        mask = np.arange(4) < rng.integers(1, 5, rows)[:, None]
    data = Dataset(inputs, rng.normal(size=(rows, *shape)), mask)
    model = Double()
    expected = metrics.rmse(inputs * 2, data.targets, mask)
    assert evaluate(model, data, Training(), batch_size)["rmse"] == pytest.approx(expected)


class Double(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0, dtype=torch.float64))

    def forward(self, inputs, mask=None):
        return inputs * self.scale


def test_one_class_per_sequence_is_a_word_of_one_position():
    inputs = np.eye(3)[[0, 1, 2, 2]]
    data = Dataset(inputs, np.array([0, 1, 2, 0]))
    model = nn.Linear(3, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.eye(3))
    found = evaluate(model, data, "cross_entropy")
    assert found["token_accuracy"] == found["sequence_accuracy"] == 0.75
    assert found["position_accuracy"] == [0.75]


def test_a_position_that_no_word_has_is_nan(tagger):
    tokens = np.zeros((2, 3), int)
    mask = np.array([[True, True, False], [True, False, False]])
    found = evaluate(tagger(), Dataset(tokens, tokens, mask), "cross_entropy")
    assert np.isnan(found["position_accuracy"]).tolist() == [False, False, True]


def test_evaluation_leaves_modes_gradients_and_random_numbers_alone(tagger, words):
    model = tagger()
    model.dropout.eval()  # a module that its owner froze
    modes = [m.training for m in model.modules()]
    state = torch.get_rng_state()
    first = evaluate(model, words.held_out, "cross_entropy")
    assert evaluate(model, words.held_out, "cross_entropy") == first
    assert [m.training for m in model.modules()] == modes
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_inputs_of_any_type_reach_the_model_in_its_own(points):
    class Spy(nn.Linear):
        def forward(self, inputs):
            seen.append(inputs.dtype)
            return super().forward(inputs.to(self.weight.dtype))[:, 0]

    seen = []
    for dtype in (np.float32, np.float64, np.float16, ">f8", np.int8, np.uint16, bool):
        inputs = np.ones((2, 3)).astype(dtype)
        evaluate(Spy(3, 1), Dataset(inputs, np.ones(2)), "squared_error")
    assert set(seen[:8]) == {torch.float32}
    assert set(seen[8:]) == {torch.int64}
