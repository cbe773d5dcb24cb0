"""Groups of parameters follow from properties of the tensors."""

import pytest
import torch
from torch import nn

from seq_torch.optim import adamw, parameter_groups, set_rates
from seq_torch.parameter import StateParameter
from seqtheory.training import Training


def model() -> nn.Module:
    built = nn.Linear(3, 2)
    built.A = StateParameter(torch.zeros(4, 4))
    built.log_step = StateParameter(torch.zeros(4))
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


def test_the_state_rate_is_the_common_one_unless_given():
    (rates,) = {(g["lr"],) for g in parameter_groups(model(), Training(learning_rate=0.3))}
    assert rates == (0.3,)


def test_a_schedule_scales_every_rate():
    optimiser = adamw(model(), Training(learning_rate=0.1, state_learning_rate=0.01))
    for factor in (0.5, 0.25):
        set_rates(optimiser, factor)
        assert [g["lr"] for g in optimiser.param_groups] == [
            0.01 * factor,
            0.1 * factor,
            0.1 * factor,
        ]


def test_a_model_with_nothing_to_train_is_refused():
    with pytest.raises(ValueError, match="Tanh has no parameter that requires a gradient"):
        parameter_groups(nn.Tanh(), Training())
    with pytest.raises(ValueError, match="unfreeze"):
        parameter_groups(nn.Linear(1, 1).requires_grad_(False), Training())
