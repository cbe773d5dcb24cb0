"""What a model has to learn: functionals of random sequences, all causal, all in NumPy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from experiments.data.attention import over_past
from experiments.data.random_filter import RandomFilter as RandomFilter
from experiments.data.random_filter import RandomSequences, affine, apply
from seqtheory.checks import require_integer
from seqtheory.dataset import Dataset
from seqtheory.memory import Airy, Exponential, Polynomial, Shift, Sine, TwoParts
from seqtheory.tasks import DecayingMemory

if TYPE_CHECKING:
    from jaxtyping import Float

    Sequences = Float[np.ndarray, "batch time channel"]

Kernel = Exponential | Polynomial | Sine | Shift | TwoParts | Airy


@dataclass(frozen=True, kw_only=True)
class LinearFunctional(RandomSequences):
    """`seqtheory.tasks.DecayingMemory` in steps of unit time, with a kernel that it knows.

    The published sweep takes ``Exponential()``, whose memory is gone after a few steps.
    """

    kernel: Kernel = field(default_factory=Polynomial)

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes."""
        task = DecayingMemory(self.kernel, length=self.length, num_sequences=self.num_sequences)
        return task.build(seed)


@dataclass(frozen=True, kw_only=True)
class CausalAttention(RandomSequences):
    r"""One head of attention over normal inputs, each position seeing itself and the past.

    .. math:: y_k = \sum_{j \le k} \mathrm{softmax}_j(q_k \cdot k_j / \sqrt d)\, v_j

    Parameters
    ----------
    length, num_sequences, channels
        Shape of the inputs; d is `channels`.
    projected
        Whether q, k and v are affine maps of the input, uniform in
        :math:`\pm 1/\sqrt d`; else all three are the input itself.
    map_seed
        Seed of those maps: the target is one function, whatever sequences are drawn. (In the
        published code every regenerated data set has a target of its own.)
    """

    channels: int = 1
    projected: bool = False
    map_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse inputs without a channel."""
        super().__post_init__()
        require_integer("channels", self.channels, minimum=1)

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes."""
        shape = (self.num_sequences, self.length, self.channels)
        x = np.random.default_rng(seed).standard_normal(shape)
        maps = [affine(self.map_seed, k, self.channels, self.channels) for k in range(3)]
        q, k, v = (apply(m, x) for m in maps) if self.projected else (x, x, x)
        return Dataset(x, over_past(q, k, v))
