"""Real inputs into complex states and back, as matrix products of real numbers."""

from __future__ import annotations

from math import sqrt

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from ...parameter import as_complex


def complex_normal(*shape: int, variance: float) -> nn.Parameter:
    """Parameter of complex normal entries, E |z|^2 = `variance`, stored as real pairs."""
    return nn.Parameter(torch.randn(*shape, 2) * sqrt(variance / 2))


def drive(
    x: Float[torch.Tensor, "... width"], B: Complex[torch.Tensor, "state width"]
) -> Complex[torch.Tensor, "... state"]:
    """Give ``B x`` of real inputs, complex ``(..., state)``."""
    weight = torch.view_as_real(B).movedim(-1, 1).flatten(0, 1)
    pairs = functional.linear(x, weight).to(weight.dtype)
    return as_complex(pairs.unflatten(-1, (-1, 2)))


def read(
    h: Complex[torch.Tensor, "... state"], C: Complex[torch.Tensor, "width state"]
) -> Float[torch.Tensor, "... width"]:
    """Give ``Re(C h)`` of complex states, real ``(..., width)``."""
    weight = torch.view_as_real(C.conj().resolve_conj()).flatten(1)
    return functional.linear(torch.view_as_real(h).flatten(-2), weight)
