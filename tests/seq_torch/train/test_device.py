"""A fit on a CUDA device: the CPU's numbers, low precision, and resuming."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import seq_torch as st
from seqtheory.dataset import Dataset
from seqtheory.training import Curriculum, FitData, Training

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device"),
]
TRAINING = Training(
    loss="cross_entropy",
    num_steps=20,
    batch_size=16,
    learning_rate=3e-3,
    weight_decay=0.1,
    clip=1.0,
    evaluate_every=5,
)
MIXERS = {
    "rnn": st.RNNConfig(),
    "mamba": st.MambaConfig(state_dim=4),
    "s4": st.S4Config(state_dim=4),
}


@pytest.fixture
def running_sums() -> FitData:
    """Sums modulo 3 of words of length 6, which a recurrence soon learns."""
    tokens = np.random.default_rng(0).integers(0, 3, (200, 6)).astype(np.uint8)
    data = Dataset(tokens, tokens.cumsum(1) % 3)
    return FitData(*data.split((0.8, 0.2), seed=None))


@pytest.fixture(params=MIXERS)
def model(request):
    def build(**settings):
        config = st.SequenceModelConfig(
            mixer=MIXERS[request.param],
            input=st.TokenInput(vocabulary=3),
            output=st.StepOutput(size=3),
            width=16,
            **settings,
        )
        return config.build(0)

    return build


@pytest.fixture(params=["adamw", "muon"])
def training(request) -> Training:
    grows = Curriculum(start=3, level=0.4)
    return (
        TRAINING
        if request.param == "adamw"
        else replace(TRAINING, optimiser="muon", matrix_learning_rate=0.01, curriculum=grows)
    )


def losses(history):
    return [float(e.metrics["loss"]) for e in history.evaluations]


def test_losses_are_those_of_the_cpu(model, running_sums, training):
    on_cpu = st.fit(model().double(), running_sums, training)
    on_device = st.fit(model().double(), running_sums, training, device="cuda")
    assert losses(on_device) == pytest.approx(losses(on_cpu), rel=1e-8)


def test_low_precision_follows_single_and_keeps_parameters_in_it(model, running_sums, training):
    expected = losses(st.fit(model(), running_sums, training, device="cuda"))
    trained = model()
    training = replace(training, precision="bfloat16")
    got = losses(st.fit(trained, running_sums, training, device="cuda"))
    assert got != expected
    assert got == pytest.approx(expected, rel=0.05)
    assert {p.dtype for p in trained.parameters()} == {torch.float32}


def test_a_resumed_fit_ends_where_the_uninterrupted_one_does(model, running_sums, training):
    held = {}

    def keep(event):
        if hasattr(event, "snapshot") and event.step == 7:
            held["at 7"] = event.snapshot()

    history = st.fit(
        model(dropout=0.1).double(), running_sums, training, on_event=keep, device="cuda"
    )
    again = st.fit(
        model(dropout=0.1).double(), running_sums, training, resume=held["at 7"], device="cuda"
    )
    assert losses(again) == pytest.approx(losses(history), rel=1e-8)


def test_the_callers_random_numbers_on_the_device_go_on(model, running_sums):
    torch.cuda.manual_seed(3)
    expected = torch.randn(4, device="cuda")
    torch.cuda.manual_seed(3)
    st.fit(model(dropout=0.5), running_sums, TRAINING, device="cuda")
    assert torch.equal(torch.randn(4, device="cuda"), expected)
