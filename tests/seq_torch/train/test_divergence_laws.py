"""What is not finite ends a fit as a result, at once and with its cause."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from seq_torch import fit
from seqtheory.dataset import Dataset
from seqtheory.training import Evaluated, FitData, Stepped, Training

TRAINING = Training(num_steps=50, batch_size=5, evaluate_every=10)


class Crafted(nn.Module):
    """A linear model whose outputs pass through `bad` from training call `after` on."""

    def __init__(self, after, bad):
        super().__init__()
        self.first = nn.Linear(3, 2, dtype=torch.float64)
        self.second = nn.Linear(2, 1, dtype=torch.float64)
        self.calls, self.after, self.bad = 0, after, bad

    def forward(self, inputs):
        y = self.second(self.first(inputs))
        self.calls += self.training
        return self.bad(y) if self.training and self.calls > self.after else y


class InfiniteGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * math.inf


def test_a_loss_that_is_not_a_number_ends_the_fit(points):
    events = []
    model = Crafted(3, lambda y: y * math.nan)
    history = fit(model, points, TRAINING, on_event=events.append)
    assert (history.status, history.step) == ("diverged", 3)
    assert history.divergence["step"] == 4
    assert history.divergence["reason"] == "loss is not finite"
    assert math.isnan(history.divergence["loss"])
    assert history.divergence["learning_rate"] == TRAINING.learning_rate
    assert history.divergence["tensor"] == "gradient of first.weight"
    assert all(torch.isfinite(p).all() for p in model.parameters())
    assert [e.step for e in events if isinstance(e, Stepped)] == [1, 2, 3]


def test_an_infinite_gradient_ends_the_fit_and_names_its_tensor(points):
    history = fit(Crafted(2, InfiniteGradient.apply), points, TRAINING)
    assert (history.status, history.step) == ("diverged", 2)
    assert history.divergence["reason"] == "gradient is not finite"
    assert math.isfinite(history.divergence["loss"])
    assert not math.isfinite(history.divergence["gradient_norm"])
    assert history.divergence["tensor"].startswith("gradient of ")


def test_a_parameter_that_is_not_finite_is_named(points):
    model = Crafted(99, None)
    with torch.no_grad():
        model.second.bias.fill_(math.inf)
    history = fit(model, points, TRAINING)
    assert (history.status, history.step) == ("diverged", 0)
    assert history.divergence["reason"] == "held-out rmse is not finite"
    assert history.divergence["tensor"] == "second.bias"
    assert len(history.evaluations) == 1


def test_a_huge_rate_diverges_without_an_exception(points):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(12)), nn.Linear(3, 1))
    history = fit(model, points, replace(TRAINING, learning_rate=1e6))
    assert history.status == "diverged"
    assert history.divergence["learning_rate"] == 1e6
    assert history.step < 50


def test_an_exploding_memory_diverges():
    class Exploding(nn.Module):
        """The last of h_k = a h_{k-1} + x_k, which outgrows float32 once a is 1.1 or more."""

        def __init__(self):
            super().__init__()
            self.a = nn.Parameter(torch.tensor(0.99))

        def forward(self, inputs):
            powers = self.a ** torch.arange(inputs.shape[1] - 1, -1, -1)
            return inputs[..., 0] @ powers

    inputs = np.ones((10, 2000, 1))
    data = Dataset(inputs, np.full(10, 1e4))  # a memory longer than a stable one of rate 0.1
    history = fit(Exploding(), FitData(data, data), replace(TRAINING, learning_rate=0.2))
    assert (history.status, history.step) == ("diverged", 1)
    assert history.divergence["reason"] == "loss is not finite"


@pytest.mark.parametrize("form", ["summed", "separate"])
def test_an_auxiliary_loss_may_diverge_too(words, form):
    class Short(nn.Module):
        def __init__(self):
            super().__init__()
            self.scores = nn.Embedding(4, 3)

        def forward(self, inputs, mask=None):
            bad = self.training and inputs.shape[1] == 2
            return self.scores(inputs) * (math.nan if bad else 1.0)

    training = Training(loss="cross_entropy", num_steps=5, auxiliary=form)
    history = fit(Short(), words, training)
    assert (history.status, history.step) == ("diverged", 0)
    expected = "auxiliary loss" if form == "summed" else "loss"
    assert history.divergence["reason"] == f"{expected} is not finite"


def test_a_held_out_error_that_is_not_finite_is_no_success(points):
    class BadWhenEvaluated(nn.Linear):
        steps = 0

        def forward(self, inputs):
            self.steps += self.training
            bad = not self.training and self.steps >= 10
            return super().forward(inputs.float()) * (math.nan if bad else 1.0)

    events = []
    history = fit(BadWhenEvaluated(3, 1), points, TRAINING, on_event=events.append)
    assert (history.status, history.step) == ("diverged", 10)
    assert [e.step for e in events if isinstance(e, Evaluated)] == [0, 10]
    assert events[-1].step == 10
    assert isinstance(events[-1], Evaluated)  # no snapshot of a model that is no use
    assert np.isnan(history.evaluations[-1].metrics["rmse"])
