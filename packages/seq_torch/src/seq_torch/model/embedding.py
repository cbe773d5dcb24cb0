"""Inputs of a model: tokens looked up, channels mapped, positions added."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import nn
from torch.nn import functional

from seqtheory import settings
from seqtheory._sequences import unknown_token

from ..capacity import count_bytes


@dataclass(frozen=True, kw_only=True)
class TokenInput(settings.TokenInput):
    """Tokens in torch."""

    count_bytes = staticmethod(count_bytes)

    def build(self, width: int) -> TokenEmbedding:
        """Draw the table; ValueError if unit vectors are asked for and the model is narrower."""
        self.check_width(width)
        return TokenEmbedding(self.vocabulary, width, one_hot=self.one_hot)


@dataclass(frozen=True, kw_only=True)
class LinearInput(settings.LinearInput):
    """Real channels in torch."""

    count_bytes = staticmethod(count_bytes)

    def build(self, width: int) -> LinearEmbedding:
        """Draw the linear map."""
        return LinearEmbedding(self.channels, width)


class TokenEmbedding(nn.Module):
    """Module of `TokenInput`."""

    table: torch.Tensor

    def __init__(self, vocabulary: int, width: int, *, one_hot: bool = False):
        super().__init__()
        self.vocabulary = vocabulary
        if one_hot:
            self.register_buffer("table", torch.eye(vocabulary, width))
        else:
            self.table = nn.Parameter(torch.randn(vocabulary, width))

    def checked(self, tokens: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Check tokens (shape, type, range) and give them as int64; 0 where the mask hides them."""
        if tokens.ndim != 2:
            raise ValueError(f"got tokens of shape {tuple(tokens.shape)}, expected (batch, time).")
        if tokens.is_floating_point() or tokens.is_complex() or tokens.dtype == torch.bool:
            raise TypeError(f"got tokens of dtype {tokens.dtype}, expected integers such as int64.")
        tokens = tokens.long()
        if mask is not None:
            tokens = tokens.masked_fill(~mask, 0)
        if tokens.numel() and not torch.compiler.is_compiling():  # values are unknown there
            self._check_range(tokens)
        return tokens

    def forward(self, tokens: Int[torch.Tensor, "batch time"]) -> torch.Tensor:
        """Look up rows of the table."""
        return functional.embedding(tokens, self.table)

    def _check_range(self, tokens: torch.Tensor) -> None:
        low, high = (int(value) for value in tokens.aminmax())
        if low < 0 or high >= self.vocabulary:
            raise unknown_token(low if low < 0 else high, self.vocabulary)


class LinearEmbedding(nn.Module):
    """Module of `LinearInput`."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.channels = channels
        self.linear = nn.Linear(channels, width)

    def checked(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Check channels (shape, type) and give them; 0 where the mask hides them."""
        if x.ndim != 3 or x.shape[-1] != self.channels:
            raise ValueError(
                f"got inputs of shape {tuple(x.shape)}, expected (batch, time, {self.channels})."
            )
        dtype = self.linear.weight.dtype
        if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
            raise TypeError(
                f"got inputs of dtype {x.dtype}, but the model computes in {dtype}; "
                f"convert them with x.to({dtype}), or the model with model.to(...)."
            )
        return x if mask is None else x.masked_fill(~mask[..., None], 0.0)

    def forward(self, x: Float[torch.Tensor, "batch time channel"]) -> torch.Tensor:
        """Map channels to the model's width."""
        return self.linear(x)


def sinusoids(
    num_positions: int, width: int, *, start: int = 0
) -> Float[torch.Tensor, "position width"]:
    r"""Sinusoidal positions from `start` on, in float64.

    .. math:: p_{k, 2i} = \sin(k\, 10000^{-2i/width}), \qquad
              p_{k, 2i+1} = \cos(k\, 10000^{-2i/width}).

    References
    ----------
    Vaswani et al., arXiv 1706.03762, section 3.5.
    """
    positions = torch.arange(start, start + num_positions, dtype=torch.float64)[:, None]
    rates = torch.exp(torch.arange(0, width, 2, dtype=torch.float64) * (-math.log(1e4) / width))
    angles = positions * rates
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)[:, :width]
