"""The short causal convolution in front of a recurrence, one kernel per channel."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional


class ShortConvolution(nn.Conv1d):
    """Causal convolution over time, each channel by a kernel of its own."""

    def __init__(self, channels: int, length: int, *, bias: bool = True):
        super().__init__(channels, channels, length, groups=channels, bias=bias)

    def sequence(
        self, x: Float[torch.Tensor, "batch time channel"]
    ) -> Float[torch.Tensor, "batch time channel"]:
        """Map a whole sequence, with zeros before its first position."""
        return self(functional.pad(x.mT, (self.kernel_size[0] - 1, 0))).mT

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch channel past"]:
        """Give zeros, the inputs before the first position."""
        return self.weight.new_zeros(batch_size, self.in_channels, self.kernel_size[0] - 1)

    def run(
        self, x: Float[torch.Tensor, "batch time channel"], past: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Map the next part of a sequence, given the inputs before it, and give the last ones."""
        window = torch.cat((past.to(x.dtype), x.mT), dim=-1)
        return self(window).mT, window[..., x.shape[1] :]
