"""Guests of JAX: h_k = a_k h_{k-1} + (1 - a_k) v_k, with a_k = sigmoid(A x_k), in several forms."""

import equinox as eqx
import jax
import jax.numpy as jnp


class GatedRecurrence(eqx.Module):
    """A module of whole batches, with a step."""

    maps: jax.Array
    width: int = eqx.field(static=True)

    def __init__(self, width, *, key):
        self.maps, self.width = jax.random.normal(key, (2 * width, width)) / width**0.5, width

    def initial_state(self, batch_size):
        return {"h": jnp.zeros((batch_size, self.width)), "steps": jnp.zeros(batch_size, jnp.int32)}

    def step(self, x_k, state):
        gate, value = jnp.split(x_k @ self.maps.T, 2, -1)
        gate = jax.nn.sigmoid(gate)
        h = gate * state["h"] + (1 - gate) * value
        return h, {"h": h, "steps": state["steps"] + 1}

    def __call__(self, x):
        def advance(state, x_k):
            y, state = self.step(x_k, state)
            return state, y

        return jax.lax.scan(advance, self.initial_state(len(x)), x.swapaxes(0, 1))[1].swapaxes(0, 1)


class OneSequence(GatedRecurrence):
    """The same of one sequence, as modules of equinox are by custom."""

    batched = False

    def initial_state(self):
        return {"h": jnp.zeros(self.width), "steps": jnp.zeros((), jnp.int32)}

    def __call__(self, x):
        return jax.lax.scan(lambda s, x_k: self.step(x_k, s)[::-1], self.initial_state(), x)[1]


def rotations(width, key):
    """Parameters and a function: complex diagonal recurrences by an associative scan."""
    one, two = jax.random.split(key)
    drawn = jax.random.normal(one, (2, 2, width, width)) / width**0.5
    parameters = {
        "B": jax.lax.complex(*drawn[0]),
        "C": jax.lax.complex(*drawn[1]),
        "angle": jax.random.uniform(two, (width,)),
    }

    def apply(parameters, x):
        turned = jnp.exp(1j * parameters["angle"] - 0.1)
        drive = x @ parameters["B"]
        each = jnp.broadcast_to(turned, drive.shape)
        joined = jax.lax.associative_scan(
            lambda f, s: (s[0] * f[0], s[0] * f[1] + s[1]), (each, drive), axis=1
        )[1]
        return (joined @ parameters["C"]).real

    return parameters, apply


class Reversed(GatedRecurrence):
    """A module with a fault: it reads the sequence from its end."""

    def __call__(self, x):
        return super().__call__(x[:, ::-1])[:, ::-1]


def untrained(width, key):
    """A function that gives neither a module nor parameters."""
    return lambda x: x
