"""A torch module, wrapped for the memory tools, has the memory of its closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import seq_torch as st
from seq_torch.array_model import array_model
from seq_torch.mixers.residual_rnn import ResidualRNNConfig
from seq_torch.model.stacks import recurrent_stack
from seqtheory.memory_theory import memory_function


@pytest.mark.parametrize("matrix", ["diagonal", "orthogonal", "free"])
def test_a_linear_recurrence_remembers_a_sum_of_exponentials(matrix):
    config = ResidualRNNConfig(matrix=matrix, activation="linear", dt=0.5)
    inputs, output = st.LinearInput(channels=2), st.StepOutput(size=3)
    model = recurrent_stack(config, inputs, output, width=6).build(0).double()
    found = memory_function(array_model(model.eval()), 40, channels=2, dt=0.5)
    mixer = model.layers[0].mixer
    U, c = model.embedding.linear.weight, model.readout.weight
    P = torch.eye(6).double() if mixer.similarity is None else mixer.similarity.weight
    P, U, c, factors = (t.detach().numpy() for t in (P, U, c, mixer.eigenvalues))
    step = np.eye(6) + P.T @ np.diag(factors - 1) @ P
    kernel = np.stack([c @ np.linalg.matrix_power(step, k) @ U for k in range(40)])
    expected = np.abs(kernel).sum(2).max(1)  # a step of dt, divided by dt
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


class Recurrence(nn.Module):
    """The shared system as a module, step by step."""

    def __init__(self, system):
        super().__init__()
        for name in ("A", "B", "C"):
            setattr(self, name, nn.Parameter(torch.from_numpy(getattr(system, name))))

    def forward(self, x):
        h, outputs = x.new_zeros(len(x), len(self.A)), []
        for x_k in x.unbind(1):
            h = h @ self.A.T + x_k @ self.B.T
            outputs.append(h @ self.C.T)
        return torch.stack(outputs, 1)


@pytest.mark.parametrize("probe", ["step", "impulse"])
def test_the_memory_of_a_module_is_that_of_its_system(linear_system, probe):
    memory = linear_system.memory
    model = array_model(Recurrence(linear_system))
    found = memory_function(model, len(memory), channels=2, probe=probe)
    np.testing.assert_allclose(found, memory, rtol=1e-10, atol=1e-12)


def test_torch_s_own_recurrent_modules_are_understood():
    module = nn.GRU(2, 4, batch_first=True)
    assert array_model(module)(np.zeros((3, 7, 2))).shape == (3, 7, 4)
    with pytest.raises(ValueError, match="Build it with batch_first=True"):
        array_model(nn.GRU(2, 4))


def test_a_module_without_parameters_computes_in_double():
    x = np.linspace(0, 1, 6).reshape(1, 3, 2)
    assert (array_model(nn.Tanh())(x) == np.tanh(x)).all()


class Letters(nn.Module):
    """A gated sum of embedded letters."""

    def __init__(self, letters: int):
        super().__init__()
        self.values = nn.Parameter(torch.arange(float(letters)).double()[:, None])

    def forward(self, words):
        h, outputs = torch.zeros(len(words), 1).double(), []
        for letter in words.unbind(1):
            h = 0.5 * h + self.values[letter]
            outputs.append(h)
        return torch.stack(outputs, 1)


def test_letters_stay_integers():
    found = memory_function(array_model(Letters(4)), 5, letters=4)
    np.testing.assert_allclose(found, 3 * 0.5 ** np.arange(5))


def test_a_token_model_of_the_zoo_has_a_memory():
    settings = st.SequenceModelConfig(
        mixer=st.DeltaNetConfig(heads=2, key_dim=4, value_dim=4, convolution=0),
        input=st.TokenInput(vocabulary=5),
        output=st.StepOutput(size=3),
        width=8,
    )
    model = settings.build(0).double().eval()
    check = ("deterministic", "independent", "causal")
    found = memory_function(array_model(model), 30, letters=5, check=check)
    assert found.shape == (30,)
    assert found[0] > 10 * found[-1] > 0
    with pytest.raises(ValueError, match=r"expected \(batch, time\)"):
        memory_function(array_model(model), 30, channels=1)


def test_the_mode_and_the_gradients_are_left_alone():
    module = nn.Linear(2, 2)
    array_model(module)(np.ones((1, 3, 2)))
    assert module.training
    assert module.weight.grad is None
