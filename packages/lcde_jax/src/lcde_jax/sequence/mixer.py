"""What a mixer is: a frozen config that builds a map of sequences."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp

from seqtheory._settings import require_choice, require_positive

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, PRNGKeyArray

Start: TypeAlias = Literal["own", "published"]


@dataclass(frozen=True, kw_only=True)
class MixerConfig(ABC):
    """Settings of a mixer, with the name and the fields of its twin in torch."""

    @property
    def causal(self) -> bool:
        """Whether an output depends on nothing later; only then is there a `step`."""
        return True

    @abstractmethod
    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> Mixer:
        """Draw the module."""


class Mixer(eqx.Module):
    """A map of ``(batch, time, width)`` to the same shape, and a recurrence by steps."""

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


def check_steps(dt_min: float, dt_max: float) -> None:
    """Raise unless 0 < dt_min <= dt_max."""
    require_positive("dt_min", dt_min)
    require_positive("dt_max", dt_max)
    if dt_min > dt_max:
        raise ValueError(f"got dt_min={dt_min} above dt_max={dt_max}; exchange them.")


def check_start(value: object) -> None:
    """Raise unless `value` is "own", a start as documented, or "published", the cited code's."""
    require_choice("start", value, ("own", "published"))  # type: ignore[arg-type]


def check_sequence(x: Array, width: int) -> None:
    """Raise unless `x` is a non-empty floating ``(batch, time, width)`` array."""
    if x.ndim != 3 or x.shape[-1] != width:
        raise ValueError(
            f"got an input of shape {x.shape}, expected (batch, time, {width}): the mixer was "
            f"built with width {width}."
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise TypeError(f"got an input of dtype {x.dtype}, expected a floating one.")
    if 0 in x.shape:
        raise ValueError(
            f"got an input of shape {x.shape}: it holds no position. Give at least one row of at "
            "least one position."
        )


def check_step(x_k: Array, width: int) -> None:
    """Raise unless `x_k` is a non-empty floating ``(batch, width)`` array."""
    if x_k.ndim != 2:
        raise ValueError(f"got a step of shape {x_k.shape}, expected (batch, {width}).")
    check_sequence(x_k[:, None], width)


def require_causal(module: Mixer, *, bidirectional: bool) -> None:
    """Raise if a module looks ahead, where a state is asked of it."""
    if bidirectional:
        raise TypeError(
            f"{type(module).__name__} was built with bidirectional=True: its outputs depend on "
            "the future, so it has no `step`. Call it on the whole sequence."
        )
