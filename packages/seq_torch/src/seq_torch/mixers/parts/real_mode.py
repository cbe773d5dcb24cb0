"""The real state that an odd number of states has beside its conjugate pairs.

It is stored as the last mode, complex like the others, so that files keep one layout. Its imaginary
parts have no effect, and it counts once, where a pair counts twice.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex

from seqtheory.settings.state_space import num_modes

__all__ = ["num_modes", "once_last", "real_last"]


def real_last(values: Complex[torch.Tensor, "... mode"]) -> Complex[torch.Tensor, "... mode"]:
    """Set the imaginary part of the last mode to zero."""
    real = values.real[..., -1:]
    return torch.cat((values[..., :-1], torch.complex(real, torch.zeros_like(real))), -1)


def once_last(values: Complex[torch.Tensor, "... mode"]) -> Complex[torch.Tensor, "... mode"]:
    """Halve the last entry of an output map: twice the real part then counts that mode once."""
    return torch.cat((values[..., :-1], values[..., -1:] / 2), -1)
