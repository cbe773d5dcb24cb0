"""Both frameworks make the updates that the docstring of `Training` states, for each optimiser."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax.contrib
import pytest
import torch
from torch import nn

from lcde_jax.train import optimiser as jax_optimiser
from lcde_jax.train import rules as jax_rules
from seq_torch.parameter import StateParameter
from seq_torch.train import _rules as torch_rules
from seq_torch.train.optim import Optimiser
from seqtheory.training import Training

SHAPES = {
    "table": (4, 3),
    "layers.0.tall": (6, 3),
    "layers.0.wide": (2, 5),
    "layers.0.bias": (3,),
    "layers.0.state": (3, 3),
    "layers.0.kernel": (2, 3, 4),
}
MATRICES = ("layers.0.tall", "layers.0.wide")
SETTINGS = {
    "adamw": {},
    "sgd": {},
    "momentum": {"momentum": 0.8},
    "muon": {"matrix_learning_rate": 0.05, "matrix_weight_decay": 0.3},
}


def training(rule: str) -> Training:
    return Training(
        optimiser=rule,
        learning_rate=0.1,
        state_learning_rate=0.01,
        weight_decay=0.5,
        **SETTINGS[rule],
    )


class TorchLayer(nn.Module):
    def __init__(self, values):
        super().__init__()
        for name in ("tall", "wide", "bias", "kernel"):
            setattr(self, name, nn.Parameter(torch.tensor(values[f"layers.0.{name}"])))
        self.state = StateParameter(torch.tensor(values["layers.0.state"]))


class TorchModel(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.table = nn.Parameter(torch.tensor(values["table"]))
        self.layers = nn.ModuleList([TorchLayer(values)])


class JaxLayer(eqx.Module):
    tall: jax.Array
    wide: jax.Array
    bias: jax.Array
    kernel: jax.Array
    state: jax.Array = eqx.field(metadata={"state": True})


class JaxModel(eqx.Module):
    table: jax.Array
    layers: tuple[JaxLayer, ...]


def jax_model(values) -> JaxModel:
    parts = {name.split(".")[-1]: jnp.asarray(value) for name, value in values.items()}
    table = parts.pop("table")
    return JaxModel(table, (JaxLayer(**parts),))


def drawn(steps: int):
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    gradients = [{n: rng.normal(size=shape) for n, shape in SHAPES.items()} for _ in range(steps)]
    return values, gradients


def factor_of(step: int) -> float:
    return 1.0 - 0.2 * step


def by_torch(rule, values, gradients):
    model = TorchModel(values)
    optimiser = Optimiser(model, training(rule))
    for step, gradient in enumerate(gradients):
        for name, parameter in model.named_parameters():
            parameter.grad = torch.tensor(gradient[name])
        optimiser.update(factor_of(step))
    return {name: p.detach().numpy() for name, p in model.named_parameters()}


def by_jax(rule, values, gradients):
    parameters = jax_model(values)
    rates = jax_optimiser.tensor_rates(parameters, training(rule))
    moments = jax_optimiser.initial_moments(parameters, rates)
    for step, gradient in enumerate(gradients):
        given = (jax_model(gradient), jnp.ones(()), jnp.asarray(factor_of(step)))
        parameters, moments = jax_optimiser.update(parameters, moments, *given, rates, None)
    names = jax_optimiser.tensor_names(parameters)
    return dict(zip(names, map(np.asarray, jax.tree.leaves(parameters)), strict=True))


def orthogonal(matrix):
    """Newton and Schulz's iteration, on the singular values alone."""
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values = values / np.linalg.norm(values)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return left * values @ right


def by_hand(rule, values, gradients):
    values = {name: value.copy() for name, value in values.items()}
    first = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    second = {name: np.zeros(shape) for name, shape in SHAPES.items()}
    for step, gradient in enumerate(gradients):
        for name, g in gradient.items():
            rate, decay = 0.1, 0.5 if g.ndim > 1 else 0.0
            if name.endswith("state"):
                rate, decay = 0.01, 0.0
            kind = rule
            if rule == "muon":
                kind = "muon" if name in MATRICES else "adamw"
            if kind == "sgd":
                u = g
            elif kind == "momentum":
                u = first[name] = 0.8 * first[name] + g
            elif kind == "muon":
                rate, decay = 0.05, 0.3
                first[name] = 0.95 * first[name] + 0.05 * g
                rows, columns = g.shape
                u = np.sqrt(max(1, rows / columns)) * orthogonal(0.05 * g + 0.95 * first[name])
            else:
                first[name] = 0.9 * first[name] + 0.1 * g
                second[name] = 0.999 * second[name] + 0.001 * g**2
                mean = second[name] / (1 - 0.999 ** (step + 1))
                u = first[name] / (1 - 0.9 ** (step + 1)) / (np.sqrt(mean) + 1e-8)
            rate *= factor_of(step)
            values[name] = (1 - rate * decay) * values[name] - rate * u
    return values


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("rule", SETTINGS)
def test_both_frameworks_make_the_stated_updates(rule, steps):
    values, gradients = drawn(steps)
    expected = by_hand(rule, values, gradients)
    for found in (by_torch(rule, values, gradients), by_jax(rule, values, gradients)):
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_muon_moves_the_matrices_of_the_layers_and_nothing_else():
    values, _ = drawn(0)
    model, settings = TorchModel(values), training("muon")
    names = {p: name for name, p in model.named_parameters()}
    groups = Optimiser(model, settings).groups
    assert {names[p] for g in groups if g["rule"] == "muon" for p in g["params"]} == {*MATRICES}
    other = jax_model(values)
    rates = jax_optimiser.tensor_rates(other, settings)
    named = zip(jax_optimiser.tensor_names(other), rates, strict=True)
    assert {name for name, rate in named if rate.rule == "muon"} == {*MATRICES}


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5)])
def test_the_orthogonal_factor_is_that_of_the_frameworks(shape):
    matrix = np.random.default_rng(1).normal(size=shape)
    expected = optax.contrib.scale_by_muon(beta=0.0, nesterov=False)
    with jax.numpy_dtype_promotion("standard"):
        state = expected.init(jnp.asarray(matrix))
        theirs, _ = expected.update(jnp.asarray(matrix), state)
    ours = jax_rules.orthogonal_factor(jnp.asarray(matrix))
    np.testing.assert_allclose(ours, theirs, atol=1e-7)  # theirs divide by a norm plus 1e-8
    ours = torch_rules.orthogonal_factor(torch.tensor(matrix))
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has Muon from 2.9 on")
def test_updates_of_muon_are_those_of_torch_but_for_its_bfloat16():
    muon = torch.optim._muon.muon
    rng = np.random.default_rng(2)
    ours, theirs = (torch.tensor(rng.normal(size=(6, 3))) for _ in range(2))
    theirs.copy_(ours)
    held, average = [{"average": torch.zeros(6, 3).double()}], torch.zeros(6, 3).double()
    options = {"nesterov": True, "ns_coefficients": (3.4445, -4.7750, 2.0315), "ns_steps": 5}
    for _ in range(3):
        gradient = torch.tensor(rng.normal(size=(6, 3)))
        torch_rules.muon([ours], [gradient], held, rate=0.1, decay=0.2, share=0.95)
        more = {"eps": 1e-7, "adjust_lr_fn": None, "has_complex": False, **options}
        numbers = {"lr": 0.1, "weight_decay": 0.2, "momentum": 0.95}
        muon([theirs], [gradient], [average], **numbers, **more)
    torch.testing.assert_close(held[0]["average"], average)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0.01)


def test_a_model_without_layers_is_refused():
    with pytest.raises(ValueError, match="attribute `layers` of the model, and Linear has none"):
        Optimiser(nn.Linear(2, 2), Training(optimiser="muon"))
    linear = eqx.nn.Linear(2, 2, key=jax.random.key(0))
    with pytest.raises(ValueError, match="field `layers` of the model, and Linear has none"):
        jax_optimiser.tensor_rates(linear, Training(optimiser="muon"))
