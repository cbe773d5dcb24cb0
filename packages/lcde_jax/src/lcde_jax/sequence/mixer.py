"""What a mixer is: a frozen config that builds a map of sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory import _sequences, settings
from seqtheory._sequences import require_causal
from seqtheory.settings.state_space import Start, check_start, check_steps

from .capacity import count_bytes

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, PRNGKeyArray

__all__ = [
    "Mixer",
    "MixerConfig",
    "Start",
    "check_sequence",
    "check_start",
    "check_state",
    "check_step",
    "check_steps",
    "require_causal",
]


@dataclass(frozen=True, kw_only=True)
class MixerConfig(settings.Mixer, ABC):
    """Settings of a mixer in JAX, with the name and fields of those in `seq_torch`."""

    count_bytes = staticmethod(count_bytes)

    @abstractmethod
    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> Mixer:
        """Draw the module."""


class Mixer(eqx.Module):
    """A map of ``(batch, time, width)`` to the same shape, and a recurrence by steps or parts."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of channels."""

    @abstractmethod
    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Map whole sequences."""

    @abstractmethod
    def initial_state(self, batch_size: int) -> Any:
        """State before the first position."""

    @abstractmethod
    def step(
        self, x_k: Float[Array, "batch width"], state: Any
    ) -> tuple[Float[Array, "batch width"], Any]:
        """Output at the next position, and the state after it."""

    def run(
        self, x: Float[Array, "batch time width"], state: Any
    ) -> tuple[Float[Array, "batch time width"], Any]:
        """Give outputs and last state, for one position at least: `step` in a compiled loop."""

        def advance(state: Any, x_k: Array) -> tuple[Any, Array]:
            y, state = self.step(x_k, state)
            return state, y

        after = jax.eval_shape(advance, state, x[:, 0])[0]
        state = jax.tree.map(lambda part, like: part.astype(like.dtype), state, after)
        state, y = jax.lax.scan(advance, state, x.swapaxes(0, 1))
        return y.swapaxes(0, 1), state

    def prefill(
        self, x: Float[Array, "batch time width"], state: Any = None
    ) -> tuple[Float[Array, "batch time width"], Any]:
        """Map the next part of a sequence.

        Parameters
        ----------
        x
            The part; its length may be zero.
        state
            What `prefill` or `step` gave for the positions before, or `initial_state`, which is
            also meant by None. Gradients go through it.

        Returns
        -------
        Outputs at these positions, as the call gives them on the whole sequence, and the state
        after the last of them.

        Raises
        ------
        TypeError, ValueError
            If the part or the state has another shape or kind than expected, or the mixer looks
            ahead.
        """
        check_sequence(x, self.width, may_be_empty=True)
        start = self.initial_state(len(x))
        if state is None:
            state = start
        else:
            check_state(state, start)
        return self.run(x, state) if x.shape[1] else (x, state)

    def check_step(self, x_k: Array, state: Any) -> None:
        """Raise unless these are one position and a state of as many rows."""
        check_step(x_k, self.width)
        check_state(state, self.initial_state(len(x_k)))


def check_sequence(x: Array, width: int, *, may_be_empty: bool = False) -> None:
    """Raise unless `x` is a floating ``(batch, time, width)`` array with a position at least."""
    _sequences.check_positions(x.shape, width, may_be_empty=may_be_empty)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"got an input of dtype {x.dtype}, expected a floating one.")


def check_step(x_k: Array, width: int) -> None:
    """Raise unless `x_k` is a non-empty floating ``(batch, width)`` array."""
    _sequences.check_step(x_k.shape, width)
    check_sequence(x_k[:, None], width)


def check_state(state: Any, like: Any) -> None:
    """Raise unless `state` is an array of the shape and kind of numbers of `like`."""
    if not isinstance(state, jax.Array):
        raise TypeError(
            f"got a state of {type(state).__name__}, expected an array; take it from "
            "initial_state, prefill or step of this mixer."
        )
    if state.shape != like.shape:
        raise ValueError(
            f"got a state of shape {state.shape}, expected {like.shape} for as many rows as the "
            "input has; start with initial_state(batch_size)."
        )
    kind = jnp.inexact if jnp.iscomplexobj(like) else jnp.floating
    if not jnp.issubdtype(state.dtype, kind):
        raise TypeError(f"got a state of dtype {state.dtype}, expected {like.dtype}.")
