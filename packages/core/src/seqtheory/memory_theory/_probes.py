"""Probes: inputs, and the memory function computed from the responses to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_choice, require_integer, require_memory, require_positive

if TYPE_CHECKING:
    from jaxtyping import Float

PROBES = ("step", "impulse", "reversed")


@dataclass(frozen=True)
class Probe:
    """One kind of input, after `rest` steps of zeros, read for `horizon` steps of `dt`."""

    kind: str
    horizon: int
    dt: float
    rest: int
    warm_up: int

    def __post_init__(self) -> None:
        require_choice("probe", self.kind, PROBES)
        require_integer("horizon", self.horizon, 1)
        require_positive("dt", self.dt)
        require_integer("rest", self.rest, 0)
        require_integer("warm_up", self.warm_up, 1)

    @property
    def length(self) -> int:
        """Steps of a probe sequence."""
        return self.rest + self.horizon + (self.warm_up if self.kind == "reversed" else 0)

    def require_memory(self, directions: int, channels: int) -> None:
        """Raise MemoryError, before any sequence is made, if all of them would not fit."""
        require_memory(
            24 * channels * (directions + 1) * self.length,
            f"directions={directions:,} of channels={channels:,} over horizon={self.horizon:,} "
            f"(rest={self.rest:,}, warm_up={self.warm_up:,})",
        )

    def inputs(
        self, x: Float[np.ndarray, "batch channel"]
    ) -> Float[np.ndarray, "batch_and_zero time channel"]:
        """Probe sequences, one per direction, followed by one of zeros."""
        self.require_memory(len(x), x.shape[1])
        sequences = np.zeros((len(x) + 1, self.length, x.shape[1]))
        probed = sequences[:-1, self.rest :]
        if self.kind == "step":
            probed[:] = x[:, None]
        elif self.kind == "impulse":
            probed[:, 0] = x / self.dt
        else:
            probed[:, : self.warm_up] = x[:, None]
        return sequences

    def reading(
        self, outputs: Float[np.ndarray, "batch_and_zero time output"]
    ) -> Float[np.ndarray, "batch horizon output"]:
        """Subtract the response to zero, and take the change per time (impulse: the value)."""
        response = outputs[:-1] - outputs[-1]
        if self.kind == "impulse":
            return response[:, -self.horizon :]
        before = np.zeros_like(response[:, :1])
        return np.diff(response, axis=1, prepend=before)[:, -self.horizon :] / self.dt
