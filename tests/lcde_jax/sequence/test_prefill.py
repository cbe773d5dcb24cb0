"""Prefill: a sequence in parts, each with the state of the part before."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lcde_jax as lj

KEY = jax.random.key(0)
MIXERS = {
    "s4": lj.S4DPLRConfig(state_dim=5),
    "s4d": lj.S4DConfig(state_dim=6, discretisation="bilinear"),
    "s5": lj.S5Config(state_dim=6, blocks=2),
    "s5_clipped": lj.S5Config(state_dim=4, clip_eigenvalues=True, conjugate_symmetry=False),
    "linear_cde": lj.LinearCDEConfig(state_dim=6),
    "linear_cde_diagonal": lj.LinearCDEConfig(state_dim=6, structure=lj.Diagonal()),
    "linear_cde_complex": lj.LinearCDEConfig(
        state_dim=4, structure=lj.OneHotDiagonal(), transition="direct"
    ),
}
ALL = pytest.mark.parametrize("mixer", MIXERS.values(), ids=MIXERS)
PARTS = ((0, 4), (4, 4), (4, 5), (5, 9))  # one of them without a position


def drawn(mixer, width=4):
    return mixer.build(width, dtype=np.float64, key=KEY)


def sequence(length=9, width=4):
    return jnp.asarray(np.random.default_rng(1).normal(size=(3, length, width)))


def in_parts(module, x, state=None):
    outputs = []
    for first, last in PARTS:
        y, state = module.prefill(x[:, first:last], state)
        outputs.append(y)
    return jnp.concatenate(outputs, 1), state


@ALL
def test_parts_are_the_sequence_and_its_last_state_that_of_the_steps(mixer):
    module, x = drawn(mixer), sequence()
    found, after = in_parts(module, x)
    np.testing.assert_allclose(found, module(x), rtol=1e-9, atol=1e-10)
    state = module.initial_state(len(x))
    for k in range(x.shape[1]):
        _, state = module.step(x[:, k], state)
    np.testing.assert_allclose(after, state, rtol=1e-9, atol=1e-10)


@ALL
def test_gradients_go_through_the_state(mixer):
    module, x = drawn(mixer), sequence()

    def gradients(run):
        loss = lambda pair: (run(*pair) ** 2).sum()  # noqa: E731
        return jax.tree.leaves(eqx.filter_jit(eqx.filter_grad(loss))((module, x)))

    whole = gradients(lambda module, x: module(x))
    parts = gradients(lambda module, x: in_parts(module, x)[0])
    for one, other in zip(parts, whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("mixer", ["s4", "s5", "linear_cde"])
@pytest.mark.parametrize("output", [lj.StepOutput, lj.MeanOutput, lj.LastOutput])
def test_a_model_goes_on_from_a_part_by_steps_or_parts(mixer, output):
    config = lj.SequenceModelConfig(
        mixer=MIXERS[mixer],
        input=lj.TokenInput(vocabulary=7),
        output=output(size=3),
        width=4,
        depth=2,
        positions="sinusoidal",
    )
    model = config.build(KEY, dtype=np.float64)
    tokens = np.random.default_rng(2).integers(0, 7, (3, 9))
    prefill, step = (eqx.filter_jit(f) for f in (type(model).prefill, type(model).step))
    first, state = prefill(model, tokens[:, :4])
    _, state = step(model, tokens[:, 4], state)
    last, state = prefill(model, tokens[:, 5:], state)
    assert state.position == 9
    whole, start = model(tokens), model(tokens[:, :4])
    np.testing.assert_allclose(first, start, rtol=1e-9, atol=1e-10)
    expected = whole[:, 5:] if output is lj.StepOutput else whole
    np.testing.assert_allclose(last, expected, rtol=1e-9, atol=1e-10)


def test_what_does_not_fit_is_refused():
    module, x = drawn(MIXERS["s4"]), sequence()
    state = module.initial_state(3)
    with pytest.raises(ValueError, match=r"got a state of shape \(2, 4, 3\), expected \(3, 4, 3\)"):
        module.prefill(x, state[:2])
    with pytest.raises(ValueError, match="got a state of shape"):
        module.step(x[:, 0], state[:2])
    with pytest.raises(TypeError, match="got a state of dtype int32"):
        module.step(x[:, 0], jnp.zeros(state.shape, jnp.int32))
    with pytest.raises(TypeError, match="got a state of NoneType, expected an array"):
        module.step(x[:, 0], None)
    with pytest.raises(ValueError, match="expected \\(batch, time, 4\\)"):
        module.prefill(x[..., :3])
    ahead = drawn(lj.S5Config(state_dim=4, bidirectional=True))
    with pytest.raises(TypeError, match=r"bidirectional=True.*no `step`"):
        ahead.prefill(x)


def test_a_model_refuses_parts_without_positions_and_other_rows():
    config = lj.SequenceModelConfig(
        mixer=MIXERS["s5"],
        input=lj.LinearInput(channels=2),
        output=lj.MeanOutput(size=1),
        width=4,
    )
    model = config.build(KEY)
    with pytest.raises(ValueError, match="they hold no position"):
        model.prefill(np.zeros((3, 0, 2)))
    with pytest.raises(ValueError, match="got 3 rows for a state of 2"):
        model.prefill(np.zeros((3, 1, 2)), model.initial_state(2))
