"""The causal Transformer layer, and how its attention tells positions apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqtheory.checks import (
    require_choice,
    require_fraction,
    require_integer,
)
from seqtheory.plain import added

from .mixer import Mixer, TransitionClass
from .state_space import Start, check_start

Positions: TypeAlias = Literal["sinusoidal", "none", "rotary", "linear", "forget", "householder"]
"""How attention tells positions apart."""


@dataclass(frozen=True, kw_only=True)
class Transformer(Mixer):
    r"""Causal Transformer layer, norm after each residual.

    .. math:: u = \mathrm{norm}(x + \mathrm{attention}(x)), \qquad
              y = \mathrm{norm}(u + W_2\, \mathrm{relu}(W_1 u + b_1) + b_2),

    where position k attends to positions j up to k by the softmax of
    :math:`q_k^\top k_j / \sqrt{d}`, changed as `positions` says. It is not recurrent: there is no
    `step`, and what it keeps grows with the sequence.

    Parameters
    ----------
    heads
        Attention heads, a divisor of the width.
    feed_forward
        Width of the hidden layer.
    dropout
        Probability, in [0, 1), at the attention weights, after the attention, in and after the
        feed-forward part. The published code fixes it at 0.1, whatever the model's own dropout.
    positions
        "sinusoidal": the model adds sinusoids to its input, unless its settings say otherwise.
        "none": the causal mask alone (NoPE).
        "rotary": queries and keys are turned by their positions (RoPE); of an even number of
        channels per head.
        "linear": logits fall by :math:`2^{-8 h / H} (k - j)` in head h of H (ALiBi).
        "forget": logits gain :math:`\sum_{s=j+1}^{k} \log f_s` with gates
        :math:`f = \sigma(w x + b)` of each head (FoX).
        "householder": :math:`q_k^\top \big(\prod_{s=j+1}^{k} (I - \beta_s w_s w_s^\top)\big)
        k_j / \sqrt{d}`, later factors on the left, with :math:`\beta = 2\sigma(w' x + b')` and w
        of norm 1 from a map of rank 32, a causal convolution of length 3 and silu (PaTH).
    start
        "own": as torch's layer starts. "published": weights from N(0, 0.02^2) and biases from 0, as
        the models of flash-linear-attention 0.6.0 do, those of RoPE, FoX and PaTH among them.

    References
    ----------
    Vaswani et al., arXiv 1706.03762, section 3; Kazemnejad et al., arXiv 2305.19466 (NoPE); Su et
    al., arXiv 2104.09864 (RoPE); Press, Smith, Lewis, arXiv 2108.12409 (ALiBi); Lin et al., arXiv
    2503.02130 (FoX); Yang et al., arXiv 2505.16381 (PaTH).
    """

    heads: int = 8
    feed_forward: int = 2048
    dropout: float = 0.0
    positions: Positions = added("sinusoidal")  # noqa: RUF009
    start: Start = added("own")  # noqa: RUF009

    def __post_init__(self) -> None:
        require_integer("heads", self.heads, minimum=1)
        require_integer("feed_forward", self.feed_forward, minimum=1)
        require_fraction("dropout", self.dropout, zero=True)
        known = ("sinusoidal", "none", "rotary", "linear", "forget", "householder")
        require_choice("positions", self.positions, known)
        check_start(self.start)

    @property
    def needs_positions(self) -> bool:
        """Whether the model is to add sinusoidal positions."""
        return self.positions == "sinusoidal"

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
        if self.positions == "rotary" and (width // self.heads) % 2:
            raise ValueError(
                f"width={width} gives {self.heads} heads {width // self.heads} channels each, "
                "expected an even number: rotary positions turn pairs of them."
            )
