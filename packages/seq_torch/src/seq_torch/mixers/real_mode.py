"""The real state that an odd number of states has beside its conjugate pairs.

It is stored as the last mode, complex like the others, so that files keep one layout. Its imaginary
parts have no effect, and it counts once where a pair counts twice.
"""

from __future__ import annotations

import torch
from jaxtyping import Complex


def num_modes(state_dim: int) -> int:
    """Modes of that many real states: one for each pair, and one for what is left over."""
    return -(-state_dim // 2)


def real_last(values: Complex[torch.Tensor, "... mode"]) -> Complex[torch.Tensor, "... mode"]:
    """Drop what would make the last mode complex."""
    real = values.real[..., -1:]
    return torch.cat((values[..., :-1], torch.complex(real, torch.zeros_like(real))), -1)


def once_last(values: Complex[torch.Tensor, "... mode"]) -> Complex[torch.Tensor, "... mode"]:
    """Halve the last of an output map, so that twice the real part counts it once."""
    return torch.cat((values[..., :-1], values[..., -1:] / 2), -1)
