"""The causal Transformer layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .mixer import MixerConfig, check_sequence


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(settings.Transformer, MixerConfig):
    """The causal Transformer layer in torch.

    Map, parameters and initialisation are those of `torch.nn.TransformerEncoderLayer` with a
    causal mask, but no mask of time x time entries is formed.
    """

    def build(self, width: int) -> Transformer:
        """Draw the module; ValueError if `heads` does not divide the width."""
        self.check_width(width)
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
        """Map a whole sequence."""
        check_sequence(x, self.width)
        u = self.attention_norm(x + self.dropout(self._attention(x)))
        hidden = self.dropout(functional.relu(self.hidden(u)))
        return self.norm(u + self.dropout(self.out(hidden)))

    def _attention(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.queries_keys_values(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # (batch, head, time, channel)
        heads = functional.scaled_dot_product_attention(
            queries,
            keys,
            values,
            is_causal=True,
            dropout_p=self.dropout.p if self.training else 0.0,
        )
        return self.attended(heads.transpose(1, 2).flatten(2))  # (batch, time, width)
