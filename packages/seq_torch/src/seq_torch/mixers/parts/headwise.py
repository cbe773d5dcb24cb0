"""Linear maps and norms that keep to groups of channels, the heads."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional


class HeadwiseLinear(nn.Module):
    """Linear map whose matrix has one block for each head, drawn from N(0, deviation^2)."""

    def __init__(self, heads: int, inputs: int, outputs: int, *, deviation: float):
        super().__init__()
        self.weight = nn.Parameter(deviation * torch.randn(heads, outputs, inputs))

    def forward(
        self, x: Float[torch.Tensor, "batch time width"]
    ) -> Float[torch.Tensor, "batch time head output"]:
        """Map the channels of each head, which stand side by side."""
        parted = x.unflatten(-1, (len(self.weight), -1))
        return torch.einsum("bthc,hdc->bthd", parted, self.weight)


class HeadNorm(nn.Module):
    """Norm of each head's channels to mean 0 and variance 1, and a factor for each channel."""

    def __init__(self, width: int, *, eps: float = 1e-5):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(
        self, x: Float[torch.Tensor, "... head channel"]
    ) -> Float[torch.Tensor, "... width"]:
        """Normalise in the precision of the factors: under autocast x has a lower one."""
        x = x.to(self.weight.dtype)
        normal = functional.layer_norm(x, x.shape[-1:], eps=self.eps)
        return normal.flatten(-2) * self.weight
