"""The causal Transformer layer."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .mixer import MixerConfig, check_sequence
from .parts.attention import (
    attend,
    attend_with_bias,
    forgetting_bias,
    householder_attend,
    linear_bias,
)
from .parts.rotary import turned
from .parts.short_convolution import ShortConvolution
from .parts.unit_norm import unit

_RANK, _LENGTH = 32, 3  # of the map and the convolution in front of a Householder factor


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(settings.Transformer, MixerConfig):
    """The causal Transformer layer in torch.

    Map, parameters and, with `start="own"`, initialisation are those of
    `torch.nn.TransformerEncoderLayer` with a causal mask, but no mask of time x time entries is
    formed, unless `positions` changes logits.
    """

    def build(self, width: int) -> Transformer:
        """Draw the module; ValueError if `heads` does not divide the width."""
        self.check_width(width)
        return Transformer(self, width)


class Transformer(nn.Module):
    """Module of `TransformerConfig`."""

    def __init__(self, config: TransformerConfig, width: int):
        super().__init__()
        self.width, self.heads, self.positions = width, config.heads, config.positions
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
        self.gate = nn.Linear(width, self.heads) if self.positions == "forget" else None
        self.factors = Factors(width, self.heads) if self.positions == "householder" else None
        if config.start == "published":
            self._draw_as_published()

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Map a whole sequence."""
        check_sequence(x, self.width)
        u = self.attention_norm(x + self.dropout(self._attention(x)))
        hidden = self.dropout(functional.relu(self.hidden(u)))
        return self.norm(u + self.dropout(self.out(hidden)))

    @torch.no_grad()
    def _draw_as_published(self) -> None:
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                module.weight.normal_(std=0.02)
                if module.bias is not None:
                    module.bias.zero_()

    def _attention(self, x: torch.Tensor) -> torch.Tensor:
        parts = self.queries_keys_values(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)  # (batch, head, time, channel)
        dropout = self.dropout.p if self.training else 0.0
        if self.factors is not None:
            w, strength = self.factors(x)
            heads = householder_attend(queries, keys, values, w, strength, dropout=dropout)
        elif (bias := self._bias(x)) is not None:
            heads = attend_with_bias(queries, keys, values, bias, dropout=dropout)
        else:
            if self.positions == "rotary":
                steps = torch.arange(x.shape[1], device=x.device)[:, None]
                queries, keys = turned(queries, steps), turned(keys, steps)
            heads = attend(queries, keys, values, dropout=dropout)
        return self.attended(heads.transpose(1, 2).flatten(2))  # (batch, time, width)

    def _bias(self, x: torch.Tensor) -> torch.Tensor | None:
        """Give what is added to the logits, in single precision or better."""
        if self.gate is not None:
            gates = self.gate(x).mT
            return forgetting_bias(
                functional.logsigmoid(gates.to(torch.promote_types(gates.dtype, torch.float32)))
            )
        return linear_bias(self.heads, x.shape[1], x) if self.positions == "linear" else None


class Factors(nn.Module):
    r"""Householder factors of a path: w of norm 1 and :math:`\beta` in (0, 2) for each head."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.narrow = nn.Linear(width, min(_RANK, width), bias=False)
        self.wide = nn.Linear(min(_RANK, width), width, bias=False)
        self.convolution = ShortConvolution(width, _LENGTH, bias=False)
        self.strength = nn.Linear(width, heads)

    def forward(
        self, x: Float[torch.Tensor, "batch time width"]
    ) -> tuple[
        Float[torch.Tensor, "batch head time channel"], Float[torch.Tensor, "batch head time"]
    ]:
        """Give directions and strengths."""
        mapped = functional.silu(self.convolution.sequence(self.wide(self.narrow(x))))
        w = unit(mapped.unflatten(-1, (self.heads, -1)), "smooth").to(mapped.dtype)
        return w.transpose(1, 2), 2 * torch.sigmoid(self.strength(x)).mT
