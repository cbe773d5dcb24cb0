"""A JAX function is measured without adapter: the numbers of the system that all rooms share."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

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
