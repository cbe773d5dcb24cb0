"""Guests of JAX: the same numbers and gradients as in JAX, and the same contract as all others."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from experiments import guest
from experiments.__main__ import main
from experiments.bench import check
from experiments.bench.cards import from_json, lines

pytestmark = [pytest.mark.needs_torch, pytest.mark.needs_jax]

FILE = Path(__file__).parent / "guests" / "of_jax.py"
NAMES = ("GatedRecurrence", "OneSequence", "rotations")


def built(name, width=8, seed=0):
    import torch

    import seq_torch

    torch.manual_seed(seed)
    settings = guest.as_mixer(seq_torch, guest.imported(guest.found(f"{FILE}:{name}")))
    return settings.build(width)


def in_jax(module):
    """Give the guest's own module with the same numbers, and whether it takes whole batches."""
    inner = getattr(module, "layer", module)
    return inner._module(), inner.form.batched


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_jax(name):
    import jax
    import torch

    module = built(name).double()
    x = torch.randn(3, 5, 8, dtype=torch.float64, requires_grad=True)
    y = module(x)
    (y**2).sum().backward()
    with jax.enable_x64(True):
        theirs, batched = in_jax(module)

        def call(theirs, x):
            return theirs(x) if batched else jax.vmap(theirs)(x)

        given = x.detach().numpy()
        expected = call(theirs, given)
        slopes, slope = jax.grad(lambda m, x: (call(m, x) ** 2).sum(), (0, 1), allow_int=True)(
            theirs, given
        )
    np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), slope, rtol=1e-10, atol=1e-12)
    found = [p.grad for p in module.parameters()]
    for mine, leaf in zip(found, jax.tree.leaves(slopes), strict=True):
        leaf = np.asarray(leaf)
        own = mine.numpy()
        if np.iscomplexobj(leaf):  # torch's gradient is the conjugate of that of JAX
            leaf = np.stack((leaf.real, -leaf.imag), -1)
        np.testing.assert_allclose(own, leaf, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ["GatedRecurrence", "OneSequence"])
def test_steps_equal_the_sequence_and_carry_gradients(name):
    import torch

    module = built(name).double()
    x = torch.randn(2, 4, 8, dtype=torch.float64, requires_grad=True)
    whole = module(x)
    state, outputs = module.initial_state(2), []
    for x_k in x.unbind(1):
        y, state = module.step(x_k, state)
        outputs.append(y)
    torch.testing.assert_close(torch.stack(outputs, 1), whole)
    slopes = [torch.autograd.grad(y.square().sum(), x)[0] for y in (whole, torch.stack(outputs, 1))]
    torch.testing.assert_close(*slopes)


def test_a_copy_is_apart_and_a_changed_number_is_refused_in_backward():
    import torch

    module = built("GatedRecurrence")
    other = copy.deepcopy(module)
    with torch.no_grad():
        next(iter(other.parameters())).zero_()
    x = torch.randn(1, 3, 8)
    assert not torch.equal(module(x), other(x))
    y = module(x).sum()
    with torch.no_grad():
        next(iter(module.parameters())).zero_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


def test_equal_seeds_draw_equal_modules():
    import torch

    one, other, third = (built("rotations", seed=seed) for seed in (0, 0, 1))
    x = torch.randn(1, 3, 8)
    assert torch.equal(one(x), other(x))
    assert not torch.equal(one(x), third(x))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["GatedRecurrence", "OneSequence"])
def test_a_sound_guest_of_jax_keeps_the_contract(name):
    contract = check(f"{FILE}:{name}")
    assert contract.passed, str(contract)
    assert contract.finding("step").status == "ok"


@pytest.mark.slow
def test_a_guest_of_jax_that_looks_ahead_is_named():
    contract = check(f"{FILE}:Reversed")
    assert [found.point for found in contract.failed] == ["causality"]


def test_what_gives_no_module_is_told():
    contract = check(f"{FILE}:untrained")
    assert "expected an equinox module with a call, or a pair" in contract.finding("shape").seen


@pytest.mark.slow
def test_a_guest_of_jax_gets_its_card(tmp_path):
    arguments = ["bench", f"{FILE}:GatedRecurrence", "--preset", "smoke", "--workers", "1"]
    arguments += ["--parts", "cost,theory,memory,rates", "--results", str(tmp_path)]
    assert main(arguments) == 0
    (path,) = tmp_path.glob("bench/*/card.json")
    card = from_json(path.read_text(encoding="utf-8"))
    name = card.model
    cost = {line.metric: line.cells[name].value for line in lines(card, "cost")}
    assert cost["parameters"] == 2 * 16 * 16
    assert cost["numbers of state"] == 17
    assert all(line.cells[name].value is not None for line in lines(card, "memory"))
