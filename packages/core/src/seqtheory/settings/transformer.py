"""The causal Transformer layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from seqtheory.checks import (
    require_fraction,
    require_integer,
)

from .mixer import Mixer, TransitionClass


@dataclass(frozen=True, kw_only=True)
class Transformer(Mixer):
    r"""Causal Transformer layer, norm after each residual.

    .. math:: u = \mathrm{norm}(x + \mathrm{attention}(x)), \qquad
              y = \mathrm{norm}(u + W_2\, \mathrm{relu}(W_1 u + b_1) + b_2),

    where position k attends to positions up to k. A model with this mixer adds sinusoidal positions
    to its input, unless its settings say otherwise. It is not recurrent: there is no `step`.

    Parameters
    ----------
    heads
        Attention heads, a divisor of the width.
    feed_forward
        Width of the hidden layer.
    dropout
        Probability, in [0, 1), at the attention weights, after the attention, in and after the
        feed-forward part. The published code fixes it at 0.1, whatever the model's own dropout.

    References
    ----------
    Vaswani et al., arXiv 1706.03762, section 3.
    """

    needs_positions: ClassVar[bool] = True

    heads: int = 8
    feed_forward: int = 2048
    dropout: float = 0.0

    def __post_init__(self) -> None:
        require_integer("heads", self.heads, minimum=1)
        require_integer("feed_forward", self.feed_forward, minimum=1)
        require_fraction("dropout", self.dropout, zero=True)

    @property
    def transition_class(self) -> TransitionClass:
        """None: what it keeps grows with the sequence."""
        return "none"

    def check_width(self, width: int) -> None:
        """Raise ValueError unless the heads can share this width."""
        if width % self.heads:
            raise ValueError(
                f"width={width} cannot be shared by {self.heads} heads; choose heads that divide "
                "the width."
            )
