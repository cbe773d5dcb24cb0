"""The causal Transformer layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_integer

from .mixer import MixerConfig, check_sequence, require_probability


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(MixerConfig):
    r"""Causal Transformer layer, norm after each residual.

    .. math:: u = \mathrm{norm}(x + \mathrm{attention}(x)), \qquad
              y = \mathrm{norm}(u + W_2\, \mathrm{relu}(W_1 u + b_1) + b_2),

    where position k attends to positions up to k. A model that holds it adds sinusoidal positions
    to its input, unless told otherwise.

    Parameters
    ----------
    heads
        Attention heads, a divisor of the width.
    feed_forward
        Width of the hidden layer.
    dropout
        Probability, in [0, 1), at the attention weights, after the attention, in and after the
        feed-forward part. The published code fixes it at 0.1, whatever the model's own dropout.

    Notes
    -----
    The same map, parameters and initialisation as `torch.nn.TransformerEncoderLayer` with a causal
    mask, but no mask of time x time entries is formed. Not recurrent: there is no `step`.

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
        require_probability("dropout", self.dropout)

    def build(self, width: int) -> Transformer:
        """Draw the module.

        Raises
        ------
        ValueError
            If `heads` does not divide the width.
        """
        if width % self.heads:
            raise ValueError(
                f"width={width} cannot be shared by {self.heads} heads; choose heads that divide "
                "the width."
            )
        return Transformer(self, width)


class Transformer(nn.Module):
    """Module of `TransformerConfig`."""

    def __init__(self, config: TransformerConfig, width: int):
        super().__init__()
        self.width, self.heads = width, config.heads
        self.queries_keys_values = nn.Linear(width, 3 * width)
        nn.init.xavier_uniform_(self.queries_keys_values.weight)
        nn.init.zeros_(self.queries_keys_values.bias)
        self.attended = nn.Linear(width, width)
        nn.init.zeros_(self.attended.bias)
        self.attention_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)
        self.hidden = nn.Linear(width, config.feed_forward)
        self.out = nn.Linear(config.feed_forward, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a sequence."""
        check_sequence(x, self.width)
        u = self.attention_norm(x + self.dropout(self._attention(x)))
        hidden = self.dropout(functional.relu(self.hidden(u)))
        return self.norm(u + self.dropout(self.out(hidden)))

    def _attention(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.queries_keys_values(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        heads = functional.scaled_dot_product_attention(
            queries,
            keys,
            values,
            is_causal=True,
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        return self.attended(heads.transpose(1, 2).flatten(2))
