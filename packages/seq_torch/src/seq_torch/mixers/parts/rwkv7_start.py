"""Initial values of RWKV-7: ramps over channels, and bends of them by the place of the layer."""

from __future__ import annotations

import torch
from jaxtyping import Float

_CURVES = {"r": 0.2, "w": 0.9, "k": 0.7, "v": 0.7, "a": 0.9, "g": 0.2}


def ramp(channels: int) -> Float[torch.Tensor, " channel"]:
    """Rise evenly from -1/2 to 1/2 over the channels of all heads."""
    return torch.arange(channels) / max(channels - 1, 1) - 0.5


def zigzag(heads: int, channels: int) -> Float[torch.Tensor, " channel"]:
    """Rise from -1 to 1 over each head's channels, as a signed square."""
    middle = (channels - 1) / 2
    one = (torch.arange(channels) - middle) / max(middle, 0.5)
    return (one * one.abs()).repeat(heads)


def mixes(width: int, layer: int, layers: int) -> Float[torch.Tensor, "map width"]:
    r"""Shares of the input before, for r, w, k, v, a, g.

    .. math:: \mu_i = 1 - (i / W)^{c (1 - l / L)}, \qquad c = 0.2, 0.9, 0.7, 0.7, 0.9, 0.2
    """
    places = torch.arange(width) / width
    return torch.stack([1 - places ** (c * (1 - layer / layers)) for c in _CURVES.values()])


def decay_bias(
    heads: int, channels: int, layer: int, layers: int
) -> Float[torch.Tensor, " channel"]:
    r"""Logits of decays: from slow to fast over all channels, and zigzag in each head.

    .. math:: b_i = -5.5 + 6 (1/2 + \mathrm{ramp}_i)^{1 + (l / (L - 1))^{0.3}}
              + 2.5\, \mathrm{zigzag}_i

    A model of one layer takes :math:`l / (L - 1) = 0`, where the published rule divides 0 by 0.
    """
    depth = layer / max(layers - 1, 1)
    curve = (ramp(heads * channels) + 0.5) ** (1 + depth**0.3)
    return -5.5 + 6 * curve + 2.5 * zigzag(heads, channels)


def rate_bias(heads: int, channels: int) -> Float[torch.Tensor, " channel"]:
    """Logits of rates of removal."""
    return -0.19 + 0.3 * zigzag(heads, channels) + 0.4 * ramp(heads * channels)


def value_bias(channels: int) -> Float[torch.Tensor, " channel"]:
    """Logits of shares of the first layer's values."""
    return 0.73 - 0.4 * ramp(channels)
