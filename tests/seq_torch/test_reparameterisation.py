"""Every reparameterisation of the core works in torch, with gradients, from its one definition."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isabstract

import numpy as np
import pytest
import torch

from seq_torch.reparameterisation import initial_weights, rate
from seqtheory import reparameterisation as core

SETTINGS = {
    "Rescaled": (core.Softplus(), (1.0, 0.5)),
    "Sampled": (core.Exp(), 0.5),
    "Euler": (core.Best(), 0.5),
}


def heirs(kind):
    return {kind}.union(*(heirs(heir) for heir in kind.__subclasses__()))


def instances(family):
    kinds = {kind for kind in heirs(family) if kind.__module__.startswith(core.__name__)}
    named = {kind.__name__: kind for kind in kinds if not isabstract(kind)}
    return [kind(*SETTINGS.get(name, ())) for name, kind in sorted(named.items())]


CONTINUOUS = instances(core.Reparameterisation)
DISCRETE = instances(core.DiscreteReparameterisation)
ALL = pytest.mark.parametrize("p", CONTINUOUS + DISCRETE, ids=str)


@dataclass(frozen=True)
class Cauchy(core.Reparameterisation):
    """p(w) = -1 / (1 + w^2), as a user would add it: NumPy, and nothing for torch."""

    def __call__(self, w):
        return -1 / (1 + np.square(np.asarray(w, dtype=np.float64)))

    def derivative(self, w):
        w = np.asarray(w, dtype=np.float64)
        return 2 * w / np.square(1 + np.square(w))

    def inverse(self, eigenvalue):
        return np.sqrt(-1 / np.asarray(eigenvalue) - 1)

    def discrete(self):
        raise NotImplementedError


def test_the_core_has_some():
    assert len(CONTINUOUS) >= 5
    assert len(DISCRETE) >= 2


@ALL
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_rate_is_the_core_s_distance(p, dtype):
    w = torch.tensor([[0.3, 0.9], [1.4, 2.2]], dtype=dtype)
    found = rate(p, w)
    assert found.dtype == dtype
    expected = torch.from_numpy(p.distance(w.numpy())).to(dtype)
    assert torch.equal(found, expected)


@ALL
def test_the_gradient_is_that_of_the_rate(p):
    w = torch.tensor([[0.3, 0.9], [1.4, 2.2]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: rate(p, w), w)


@ALL
def test_initial_weights_have_the_rates_that_were_asked_for(p):
    rates = torch.tensor([[0.05, 0.1], [0.4, 0.2]], dtype=torch.float64)
    torch.testing.assert_close(rate(p, initial_weights(p, rates)), rates, rtol=1e-12, atol=1e-13)


def test_a_class_of_one_s_own_is_enough():
    w = torch.tensor([-1.3, 0.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w: rate(Cauchy(), w), w)
    torch.testing.assert_close(rate(Cauchy(), w), 1 / (1 + w.square()))


def test_a_scalar_weight_is_welcome():
    w = torch.tensor(0.5, requires_grad=True)
    rate(core.Exp(), w).backward()
    torch.testing.assert_close(w.grad, torch.tensor(0.5).exp())
    assert initial_weights(core.Exp(), torch.tensor(1.0)) == 0


def test_a_second_derivative_is_refused_not_wrong():
    w = torch.ones(2, requires_grad=True)
    (first,) = torch.autograd.grad(rate(core.Exp(), w).sum(), w, create_graph=True)
    with pytest.raises(RuntimeError, match="second derivative of a reparameterisation"):
        torch.autograd.grad(first.sum(), w)


def test_slow_discrete_modes_keep_their_digits():
    w = torch.tensor([-30.0], dtype=torch.float64)
    torch.testing.assert_close(rate(core.Exp().discrete(), w), w.exp(), rtol=1e-12, atol=0)


def test_a_weight_that_diverged_gives_no_warning_and_no_number():
    found = rate(core.Exp(), torch.tensor([1e9, float("nan")]))
    assert found[0].isinf()
    assert found[1].isnan()


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(ValueError, match="cannot reach the eigenvalue"):
        initial_weights(core.Best(), torch.tensor(3.0))


class Silent(Cauchy):
    """One whose text does not tell two of them apart."""

    def __init__(self, scale):
        object.__setattr__(self, "scale", scale)

    def __repr__(self):
        return "Silent()"

    def __eq__(self, other):
        return self.scale == other.scale

    __hash__ = None


def test_two_that_differ_under_one_name_are_refused():
    rate(Silent(1), torch.ones(2))
    rate(Silent(1), torch.ones(2))
    with pytest.raises(ValueError, match="is the text of two parameterisations that differ"):
        rate(Silent(2), torch.ones(2))


def test_an_exported_program_asks_for_what_it_lacks():
    with pytest.raises(RuntimeError, match=r"needs the reparameterisation mine: None\(\)"):
        torch.ops.seq_torch.reparameterised(torch.ones(2), "mine: None()", False)
