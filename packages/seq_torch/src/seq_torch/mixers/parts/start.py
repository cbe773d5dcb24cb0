"""Draws of initial parameters."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import nn

from seqtheory.settings.state_space import Start, check_start

__all__ = ["CUT_DEVIATION", "Start", "check_start", "cut_off_normal", "shrunk"]

CUT_DEVIATION = 0.87962566103423978  # of a standard normal between -2 and 2


def cut_off_normal(*shape: int, deviation: float) -> Float[torch.Tensor, "*shape"]:
    """Draw normals that are cut off at two deviations, with this deviation after the cut.

    A standard normal that is cut off at 2 has the deviation 0.8796, so the draw is widened by its
    inverse: no entry is beyond 2.274 times `deviation`.
    """
    wide = deviation / CUT_DEVIATION
    return nn.init.trunc_normal_(torch.empty(*shape), std=wide, a=-2 * wide, b=2 * wide)


@torch.no_grad()
def shrunk(out: nn.Linear, factor: float) -> nn.Linear:
    """Multiply the weight that a map was drawn with by a number."""
    if factor != 1.0:
        out.weight.mul_(factor)
    return out
