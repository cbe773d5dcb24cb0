"""What a fit does to a model: step by step, and on whole trainings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from seq_torch import fit
from seq_torch.train.optim import AdamW
from seqtheory.dataset import Dataset
from seqtheory.training import Evaluated, FitData, Stepped, Training

CLASSES = Training(loss="cross_entropy", num_steps=12, batch_size=4, learning_rate=0.01)


def test_eight_examples_are_overfitted(tagger):
    rng = np.random.default_rng(2)
    tokens = rng.integers(0, 4, (8, 3))
    data = Dataset(tokens, tokens % 3)
    training = replace(CLASSES, num_steps=400, target=1.0, evaluate_every=20, clip=1.0)
    history = fit(tagger(dropout=0.0), FitData(data, data), training)
    assert history.status == "target"
    assert history.step < 400
    assert history.step % 20 == 0
    assert history.evaluations[-1].metrics["sequence_accuracy"] == 1.0


def test_an_error_target_is_come_down_to(line, points):
    training = Training(num_steps=2000, batch_size=15, learning_rate=0.05, target=1e-2)
    training = replace(training, evaluate_every=50)
    history = fit(line(), points, training)
    assert history.status == "target"
    errors = [e.metrics["rmse"] for e in history.evaluations]
    assert errors[-1] <= 1e-2 < min(errors[:-1])


def test_a_target_met_at_the_start_takes_no_step(line, points, bytes_of):
    model = line()
    before = bytes_of(model)
    history = fit(model, points, Training(target=1e3))
    assert (history.status, history.step, len(history.evaluations)) == ("target", 0, 1)
    assert bytes_of(model) == before


def test_events_come_in_order(tagger, words):
    events = []
    training = replace(CLASSES, num_steps=5, evaluate_every=2)
    history = fit(tagger(), words, training, on_event=events.append)
    order = [(type(e).__name__[0], e.step) for e in events]
    assert order == [
        *(("E", 0), ("S", 1), ("E", 2), ("S", 2), ("S", 3), ("E", 4), ("S", 4), ("E", 5), ("S", 5))
    ]
    assert history.evaluations == tuple(e for e in events if isinstance(e, Evaluated))
    assert {e.num_steps for e in events if isinstance(e, Stepped)} == {5}
    assert "train_loss" not in events[0].metrics
    assert all("train_loss" in e.metrics for e in history.evaluations[1:])
    assert history.status == "done"


def test_a_snapshot_asked_for_too_late_is_refused(tagger, words):
    events = []
    fit(tagger(), words, replace(CLASSES, num_steps=2), on_event=events.append)
    early = next(e for e in events if isinstance(e, Stepped))
    with pytest.raises(RuntimeError, match="snapshot of step 1 was asked for at step 2"):
        early.snapshot()


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_steps_are_those_of_adamw_on_the_documented_batches(line, points, schedule):
    training = Training(
        num_steps=7,
        batch_size=4,
        learning_rate=0.1,
        weight_decay=0.1,
        clip=0.5,
        schedule=schedule,
        warmup_steps=2,
        seed=3,
    )
    model, twin = line(), line()
    fit(model, points, training)
    groups = [{"params": [twin.weight]}, {"params": [twin.bias], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, weight_decay=0.1)
    batches = [b for e in range(3) for b in points.train.batches(4, (3, e))]
    for step, batch in enumerate(batches[:7]):
        for group in optimiser.param_groups:
            group["lr"] = 0.1 * training.schedule_factor(step)
        optimiser.zero_grad()
        outputs = twin(torch.tensor(batch.inputs))[:, 0]
        functional.mse_loss(outputs, torch.tensor(batch.targets)).backward()
        norm = torch.linalg.vector_norm(torch.cat([p.grad.flatten() for p in twin.parameters()]))
        for parameter in twin.parameters():
            parameter.grad *= min(1.0, 0.5 / norm.item())
        optimiser.step()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=0)


@pytest.mark.parametrize("form", ["summed", "separate"])
def test_auxiliary_batches_are_taken_as_published(line, form):
    """One row each, so that the gradients are 2 (w.x - y) x: by hand."""
    x, z = np.array([[1.0, 2.0, 0.0]]), np.array([[0.0, -1.0, 1.0]])
    main, auxiliary = Dataset(x, np.array([1.0])), Dataset(z, np.array([3.0]))
    model = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.fill_(1.0)
    training = Training(num_steps=1, learning_rate=0.1, auxiliary=form)
    fit(model, FitData(main, main, auxiliary), training)

    w = np.ones(3)
    if form == "summed":
        gradient = 2 * (w @ x[0] - 1) * x[0] + 2 * (w @ z[0] - 3) * z[0]
        w = w - 0.1 * gradient / (np.abs(gradient) + 1e-8)  # Adam's first step
    else:
        first = 2 * (w @ x[0] - 1) * x[0]
        w = w - 0.1 * first / (np.abs(first) + 1e-8)
        second = 2 * (w @ z[0] - 3) * z[0]
        mean = (0.9 * 0.1 * first + 0.1 * second) / (1 - 0.9**2)
        square = (0.999 * 0.001 * first**2 + 0.001 * second**2) / (1 - 0.999**2)
        w = w - 0.1 * mean / (np.sqrt(square) + 1e-8)
    np.testing.assert_allclose(model.weight.detach().numpy()[0], w, rtol=1e-12)


def test_auxiliary_batches_have_an_order_and_size_of_their_own(words):
    class Spy(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Embedding(4, 3)
            self.seen = []

        def forward(self, inputs, mask=None):
            if self.training:
                self.seen.append(inputs.numpy().copy())
            return self.scores(inputs)

    model = Spy()
    training = replace(CLASSES, num_steps=4, auxiliary_batch_size=5, seed=7)
    fit(model, words, training)
    expected = [b.inputs for e in range(2) for b in words.auxiliary.batches(5, (7, e, 1))]
    assert len(expected) == 4
    for seen, rows in zip(model.seen[1::2], expected, strict=True):
        np.testing.assert_array_equal(seen, rows)


def test_clipping_bounds_the_first_step_of_a_plain_gradient(line, points):
    """Adam forgets the size of a gradient but not that of one against another."""
    histories = []
    for clip in (None, 1e-9):
        model = line()
        fit(model, points, Training(num_steps=1, learning_rate=0.1, clip=clip))
        histories.append(model.weight.detach() - 1)
    assert histories[0].abs().min() > 0.099  # epsilon 1e-8 is small beside the gradient,
    assert histories[1].abs().max() < 0.011  # but not beside 1e-9


def test_a_training_follows_its_seed_alone(tagger, words, bytes_of):
    outcomes = {}
    for name, seed, global_seed in (("a", 0, 1), ("b", 0, 2), ("c", 1, 1)):
        model = tagger()
        torch.manual_seed(global_seed)
        state = torch.get_rng_state()
        fit(model, words, replace(CLASSES, seed=seed))
        assert torch.equal(torch.get_rng_state(), state)
        outcomes[name] = bytes_of(model)
    assert outcomes["a"] == outcomes["b"]
    assert outcomes["a"] != outcomes["c"]


def test_dropout_differs_from_step_to_step(words):
    class Noise(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Embedding(4, 3)
            self.seen = []

        def forward(self, inputs, mask=None):
            if self.training:
                self.seen.append(torch.rand(()).item())
            return self.scores(inputs)

    model = Noise()
    fit(model, words, CLASSES)
    assert len(set(model.seen)) == len(model.seen) == 2 * CLASSES.num_steps


def test_the_random_state_is_put_back_when_a_callback_raises(tagger, words):
    def stop(event):
        if isinstance(event, Stepped):
            raise InterruptedError

    model = tagger().eval()
    state = torch.get_rng_state()
    with pytest.raises(InterruptedError):
        fit(model, words, CLASSES, on_event=stop)
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module.training for module in model.modules())


def test_hidden_positions_change_nothing(tagger, words, bytes_of):
    outcomes = []
    for filler in (0, 3):
        parts = [
            Dataset(
                np.where(part.mask, part.inputs, filler),
                np.where(part.mask, part.targets, filler - 1),
                part.mask,
            )
            for part in (words.train, words.held_out)
        ]
        model = tagger(classes=3)
        history = fit(model, FitData(*parts), replace(CLASSES, evaluate_every=4))
        metrics = [e.metrics for e in history.evaluations]
        outcomes.append((bytes_of(model), repr(metrics)))
    assert outcomes[0] == outcomes[1]


def test_a_model_in_double_precision_stays_there(tagger, words):
    model = tagger().double()
    assert fit(model, words, CLASSES).status == "done"
    assert {p.dtype for p in model.parameters()} == {torch.float64}


def test_complex_parameters_train(points):
    class Complex(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(3, dtype=torch.complex128))

        def forward(self, inputs):
            return (inputs.to(self.weight.dtype) @ self.weight).real

    model = Complex()
    history = fit(model, points, Training(num_steps=300, learning_rate=0.05, batch_size=15))
    first, last = (e.metrics["rmse"] for e in (history.evaluations[0], history.evaluations[-1]))
    assert last < 0.25 * first  # the constant 0.3 is out of its reach
    assert AdamW(model, Training()).has_complex


def test_frozen_parameters_stay(tagger, words, bytes_of):
    model = tagger()
    model.embedding.requires_grad_(False)
    before = bytes_of(model)
    fit(model, words, CLASSES)
    after = bytes_of(model)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == set(before) - {"embedding.weight"}
