"""Random networks as functionals to learn, all causal, all in NumPy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.data.attention import across_samples, over_past
from seqtheory.checks import require_choice, require_integer
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import Float

    Sequences = Float[np.ndarray, "batch time channel"]


@dataclass(frozen=True, kw_only=True)
class RandomSequences:
    """How many random sequences of which length."""

    length: int = 100
    num_sequences: int = 3_500

    def __post_init__(self) -> None:
        """Refuse an empty data set."""
        for name in ("length", "num_sequences"):
            require_integer(name, getattr(self, name), minimum=1)


@dataclass(frozen=True, kw_only=True)
class RandomFilter(RandomSequences):
    """A random network reads normal inputs and says one number at every position.

    Parameters
    ----------
    length, num_sequences
        Shape of the inputs, which have one channel.
    network
        ``"rnn"``: a tanh recurrence. ``"transformer"``: one block of attention over the past and a
        feed-forward map of twice the width, each with a residual and normalisation after it.
    width
        Of the network, 16 as published.
    attends
        ``"past"``; or ``"samples"``, the published fault: attention mixes the sequences of a
        data set position by position, so the target of a sequence depends on the other ones, and
        nothing is asked of memory.
    map_seed
        Seed of the network.

    References
    ----------
    Wang, Li, Li, arXiv 2305.19190, appendix; the code published with it.
    """

    network: Literal["rnn", "transformer"] = "rnn"
    width: int = 16
    attends: Literal["past", "samples"] = "past"
    map_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse an unknown network, and attention over samples by a network without attention."""
        super().__post_init__()
        require_choice("network", self.network, ("rnn", "transformer"))
        require_choice("attends", self.attends, ("past", "samples"))
        if self.attends == "samples" and self.network == "rnn":
            raise ValueError("attends='samples' with network='rnn', which has no attention")
        require_integer("width", self.width, minimum=1)

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes."""
        x = np.random.default_rng(seed).standard_normal((self.num_sequences, self.length, 1))
        return Dataset(x, self(x))

    def __call__(self, x: Sequences) -> Sequences:
        """Response to given inputs ``(batch, time, 1)``."""
        hidden = self._recurrent(x) if self.network == "rnn" else self._attentive(x)
        return apply(affine(self.map_seed, 9, self.width, 1), hidden)

    def memory(self, length: int) -> Float[np.ndarray, " time"]:
        """Response to a unit pulse at the first position, less that to silence.

        The published code sets the pulse after it ran the network: it saves the response to zeros.
        """
        inputs = np.zeros((2, length, 1))
        inputs[0, 0] = 1.0
        pulse, silence = self(inputs)
        return (pulse - silence)[:, 0]

    def _recurrent(self, x: Sequences) -> Sequences:
        into = affine(self.map_seed, 0, 1, self.width, scale=self.width)
        within = affine(self.map_seed, 1, self.width, self.width)
        state = np.zeros((len(x), self.width))
        states = np.empty((*x.shape[:2], self.width))
        for k in range(x.shape[1]):
            state = np.tanh(apply(into, x[:, k]) + apply(within, state))
            states[:, k] = state
        return states

    def _attentive(self, x: Sequences) -> Sequences:
        d = self.width
        x = apply(affine(self.map_seed, 0, 1, d), x)
        q, k, v = (apply(affine(self.map_seed, i, d, d), x) for i in (1, 2, 3))
        seen = (over_past if self.attends == "past" else across_samples)(q, k, v)
        x = _normalised(x + apply(affine(self.map_seed, 4, d, d), seen))
        inner = np.maximum(apply(affine(self.map_seed, 5, d, 2 * d), x), 0.0)
        return _normalised(x + apply(affine(self.map_seed, 6, 2 * d, d), inner))


def affine(
    seed: int, number: int, wide_in: int, wide_out: int, scale: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and bias, uniform in plus or minus 1 / sqrt(scale); `scale` is the fan-in."""
    bound = 1.0 / np.sqrt(scale or wide_in)
    draw = np.random.default_rng((seed, number))
    return draw.uniform(-bound, bound, (wide_in, wide_out)), draw.uniform(-bound, bound, wide_out)


def apply(affine: tuple[np.ndarray, np.ndarray], x: np.ndarray) -> np.ndarray:
    """Apply weights and bias to the last axis."""
    return x @ affine[0] + affine[1]


def _normalised(x: Sequences) -> Sequences:
    """Layer normalisation at every position."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
