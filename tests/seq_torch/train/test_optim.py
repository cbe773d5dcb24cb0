"""Groups of parameters follow from properties of the tensors."""

import pytest
import torch
from torch import nn

from seq_torch import Mamba3Config
from seq_torch.parameter import StateParameter
from seq_torch.train.optim import AdamW, parameter_groups
from seqtheory.training import Training


def model(dtype=torch.float32) -> nn.Module:
    built = nn.Linear(3, 2, dtype=dtype)
    built.A = StateParameter(torch.zeros(4, 4, dtype=dtype))
    built.log_step = StateParameter(torch.zeros(4, dtype=dtype))
    return built


def test_each_parameter_has_one_group_with_its_rate_and_decay():
    built = model()
    training = Training(learning_rate=0.1, state_learning_rate=0.01, weight_decay=0.5)
    groups = parameter_groups(built, training)
    found = {id(p): (g["lr"], g["weight_decay"]) for g in groups for p in g["params"]}
    assert found == {
        id(built.A): (0.01, 0.0),
        id(built.log_step): (0.01, 0.0),
        id(built.bias): (0.1, 0.0),
        id(built.weight): (0.1, 0.5),
    }
    assert sum(len(g["params"]) for g in groups) == 4


def test_a_bias_of_several_axes_does_not_decay():
    mixer = Mamba3Config(state_dim=4, heads=2).build(4)
    decaying = parameter_groups(mixer, Training(weight_decay=0.5))[-1]["params"]
    assert {p for p in mixer.parameters() if p.ndim == 2} - set(decaying) == {
        mixer.B_bias,
        mixer.C_bias,
    }


def test_the_state_rate_is_the_common_one_unless_given():
    (rates,) = {(g["lr"],) for g in parameter_groups(model(), Training(learning_rate=0.3))}
    assert rates == (0.3,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64])
def test_updates_are_those_of_torch(dtype):
    ours, theirs = model(dtype), model(dtype)
    theirs.load_state_dict(ours.state_dict())
    training = Training(learning_rate=0.1, state_learning_rate=0.01, weight_decay=0.5)
    optimiser = AdamW(ours, training)
    reference = torch.optim.AdamW(parameter_groups(theirs, training))
    generator = torch.Generator().manual_seed(0)
    for factor in (1.0, 0.5, 0.25):
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            a.grad = b.grad = torch.randn(a.shape, dtype=dtype, generator=generator)
        ours.bias.grad = theirs.bias.grad = None  # without a gradient nothing moves, nor decays
        optimiser.update(factor)
        for group, mine in zip(reference.param_groups, optimiser.groups, strict=True):
            group["lr"] = mine["lr"] * factor
        reference.step()
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="Tanh has no parameter that requires a gradient"):
        parameter_groups(nn.Tanh(), Training())
    with pytest.raises(ValueError, match="unfreeze"):
        parameter_groups(nn.Linear(1, 1).requires_grad_(False), Training())
