"""A JAX function is measured without adapter: the numbers of the system that all rooms share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lcde_jax as lj
from seqtheory.memory_theory import memory_function


@pytest.mark.parametrize("probe", ["step", "impulse"])
def test_the_memory_of_a_jax_function_is_that_of_its_system(linear_system, probe):
    A, B, C, memory = linear_system

    def step(h, x_k):
        h = A @ h + B @ x_k
        return h, C @ h

    def respond(x):
        return jax.lax.scan(step, jnp.zeros(len(A)), x)[1]

    model = jax.jit(jax.vmap(respond))
    found = memory_function(model, len(memory), channels=2, probe=probe)
    np.testing.assert_allclose(found, memory, rtol=1e-10, atol=1e-12)


def test_a_jax_function_of_letters_is_measured_by_substitution():
    values = jnp.array([0.0, 1.0, -3.0])

    def step(h, letter):
        h = 0.5 * h + values[letter]
        return h, h[None]

    model = jax.jit(jax.vmap(lambda word: jax.lax.scan(step, jnp.zeros(()), word)[1]))
    found = memory_function(model, 6, letters=3)
    np.testing.assert_allclose(found, 3 * 0.5 ** np.arange(6))


def test_a_model_of_letters_in_jax_has_a_memory():
    config = lj.SequenceModelConfig(
        mixer=lj.S4DConfig(state_dim=4),
        input=lj.TokenInput(vocabulary=5),
        output=lj.StepOutput(size=3),
        width=8,
    )
    check = ("deterministic", "independent", "causal")
    model = config.build(jax.random.key(0), dtype=np.float64)
    found = memory_function(model, 20, letters=5, check=check)
    assert found[0] > found[-1] > 0
