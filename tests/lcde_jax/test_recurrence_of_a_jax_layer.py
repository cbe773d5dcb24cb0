"""JAX layers are classified from `jax.jacfwd` of their step, and declare what is found."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lcde_jax as lj
from seqtheory.diagnostics import classify_recurrence, memory_levels

WIDTH = 4
MIXERS = {
    "s4": lj.S4DPLRConfig(state_dim=4),
    "s4d": lj.S4DConfig(state_dim=4),
    "s5": lj.S5Config(state_dim=4),
    "linear_cde": lj.LinearCDEConfig(state_dim=4),
    "blocks": lj.LinearCDEConfig(
        state_dim=6, structure=lj.BlockDiagonal(block_size=2), transition="first_order"
    ),
    "diagonal": lj.LinearCDEConfig(state_dim=4, structure=lj.Diagonal(), transition="direct"),
}


def real(state):
    """A flat vector, and the parts of complex numbers in it side by side."""
    flat = state.ravel()
    if not jnp.iscomplexobj(flat):
        return flat
    return jnp.stack((flat.real, flat.imag), axis=-1).ravel()


def moved(layer, rng):
    """A layer away from its start: HiPPO's eigenvalues are real, those of the class are not."""

    def drawn(leaf):
        if not eqx.is_inexact_array(leaf):
            return leaf
        return leaf * (1 + 0.1 * rng.normal(size=leaf.shape))

    return jax.tree.map(drawn, layer)


@pytest.mark.parametrize("name", MIXERS)
def test_what_is_found_is_what_the_settings_declare(name):
    mixer = MIXERS[name]
    rng = np.random.default_rng(0)
    layer = moved(mixer.build(WIDTH, dtype=np.float64, key=jax.random.key(0)), rng)
    start = layer.initial_state(1)
    complex_state = jnp.iscomplexobj(start)

    def step(flat, x):
        state = flat
        if complex_state:
            state = jax.lax.complex(flat[::2], flat[1::2])
        return real(layer.step(x[None], state.reshape(start.shape))[1])

    x = rng.normal(size=(12, 1, WIDTH)) * np.geomspace(0.1, 30, 12)[:, None, None]
    h = rng.normal(size=(12, 2, real(start).size))
    inner = jax.vmap(jax.jacfwd(step), in_axes=(0, None))
    jacobians = jax.jit(jax.vmap(lambda h, x: inner(h, x[0])))(h, x)
    size = h.shape[-1]
    levels = memory_levels(np.reshape(jacobians, (-1, size, size)))
    pairs = np.arange(size) % 2 == 0 if complex_state else None
    found = classify_recurrence(jacobians[None], levels, pairs=pairs)
    assert found.transition == mixer.transition_class, str(found)
