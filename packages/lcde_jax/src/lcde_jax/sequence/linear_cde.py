"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory import settings

from ..structure import Dense, by_name, entries, named
from ..tokens.scan import token_scan
from ..tokens.transitions import Transitions, structured_scan, transitions
from .mixer import Mixer, MixerConfig, check_sequence
from .orthogonal import orthogonal
from .parameter import as_complex

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, Inexact, Int, PRNGKeyArray


@dataclass(frozen=True, kw_only=True)
class LinearCDEConfig(settings.LinearCDE, MixerConfig):
    """The linear CDE in JAX: `TokenCDE` with ``path="sums"``, any inputs and an output map.

    Matrices of `OneHotDiagonal` are dense here, at state_dim^2 per position.
    """

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> DrivenMatrices:
        """Draw the module."""
        return DrivenMatrices(self, width, dtype=dtype, key=key)


class DrivenMatrices(Mixer):
    """Module of `LinearCDEConfig`; A holds the parameters by the names of the structure."""

    A: Any = eqx.field(metadata={"state": True})
    start: Float[Array, "state_dim ..."]
    C: eqx.nn.Linear
    config: LinearCDEConfig = eqx.field(static=True)

    def __init__(self, config: LinearCDEConfig, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_A, of_start, of_C = jax.random.split(key, 3)
        self.A = named(_draw(config, width, dtype, of_A))
        self.start = jax.random.normal(of_start, (config.state_dim, *config.pair), dtype)
        size = config.state_dim * (1 + config.complex_state)
        self.C = eqx.nn.Linear(size, width, use_bias=False, dtype=dtype, key=of_C)
        self.config = config

    @property
    def width(self) -> int:
        """Channels of an input."""
        return len(self.A[0]) - 1

    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Multiply the state by one matrix per position."""
        check_sequence(x, self.width)
        return self._run(self.transitions(x))

    def lookup(
        self, table: Float[Array, "token width"], tokens: Int[Array, "batch time"]
    ) -> Float[Array, "batch time width"]:
        """Give what the call gives on ``table[tokens]``, with one matrix per row of the table."""
        moves = self.transitions(table)
        if not isinstance(self.config.stored, Dense):
            return self._run(moves.map(lambda values: values[tokens]))
        start = self.initial_state(len(tokens))
        offsets = jnp.zeros((len(table), self.config.state_dim), start.dtype)
        return self._output(token_scan(moves.parameters["matrix"], offsets, start, tokens))

    def transitions(self, x: Float[Array, "*point width"]) -> Transitions:
        """Matrices of each input, in the form that a product needs."""
        config, parameters = self.config, {}
        for name, A in by_name(self.A).items():
            A = entries(config.structure, config.rule, A)
            A = A if config.transition == "direct" else config.step(name) * A
            flat = x.reshape(-1, x.shape[-1]) @ A[1:].reshape(len(A) - 1, -1)
            moved = flat.reshape(-1, *A.shape[1:]) + A[:1]
            parameters[name] = moved.reshape(*x.shape[:-1], *A.shape[1:])
        return transitions(config.stored, config.transition, parameters, config.state_dim)

    def matrices(
        self, x: Float[Array, "*point width"]
    ) -> Inexact[Array, "*point state_dim state_dim"]:
        """Transition matrix of each input, formed whole."""
        return self.transitions(x).dense()

    def initial_state(self, batch_size: int) -> Inexact[Array, "batch state_dim"]:
        """Give the trained start."""
        start = self.start
        start = as_complex(start) if self.config.complex_state else start
        return jnp.broadcast_to(start, (batch_size, *start.shape))

    def step(
        self, x_k: Float[Array, "batch width"], state: Inexact[Array, "batch state_dim"]
    ) -> tuple[Float[Array, "batch width"], Inexact[Array, "batch state_dim"]]:
        """Advance by one position."""
        self.check_step(x_k, state)
        state = self.transitions(x_k).apply(state)
        return self._output(state), state

    def run(
        self, x: Float[Array, "batch time width"], state: Inexact[Array, "batch state_dim"]
    ) -> tuple[Float[Array, "batch time width"], Inexact[Array, "batch state_dim"]]:
        """Multiply a state by one matrix per position."""
        states = structured_scan(self.transitions(x), state)
        return self._output(states), states[:, -1]

    def _run(self, moves: Transitions) -> Array:
        batch = len(next(iter(moves.parameters.values())))
        return self._output(structured_scan(moves, self.initial_state(batch)))

    def _output(self, states: Inexact[Array, "... state_dim"]) -> Float[Array, "... width"]:
        if self.config.complex_state:
            states = jnp.concatenate([states.real, states.imag], axis=-1)
        return states @ self.C.weight.T


def _draw(
    config: LinearCDEConfig, width: int, dtype: DTypeLike, key: PRNGKeyArray
) -> dict[str, Array]:
    """Draw parameters of the matrices; means belong to time alone."""
    if config.initial == "orthogonal":
        found = orthogonal(config.structure, config.state_dim, width, dtype, key)
        return {name: jnp.pad(p, ((1, 0), *((0, 0),) * (p.ndim - 1))) for name, p in found.items()}
    draws, parameters = config.draws(width), {}
    keys = [key] if len(draws) == 1 else jax.random.split(key, len(draws))
    for one, (name, (shape, deviation, mean)) in zip(keys, draws.items(), strict=True):
        draw = jax.random.normal(one, (width + 1, *shape), dtype) * deviation
        parameters[name] = draw.at[0].add(mean)
    if config.thinned:
        parameters["matrix"] = entries(config.structure, config.rule, parameters["matrix"])
    return parameters
