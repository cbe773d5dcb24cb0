"""From which distribution parameters are drawn: one switch for every mixer that has it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import nn

from seqtheory.checks import require_choice

Start: TypeAlias = Literal["own", "published"]
CUT_DEVIATION = 0.87962566103423978  # of a standard normal between -2 and 2


def check_start(value: object) -> None:
    """Raise unless `value` is "own", a start as documented, or "published", the cited code's."""
    require_choice("start", value, ("own", "published"))  # type: ignore[arg-type]


def cut_off_normal(*shape: int, deviation: float) -> Float[torch.Tensor, "*shape"]:
    """Draw normals that are cut off at two deviations, and then have the deviation asked for.

    A cut standard normal has the deviation 0.8796: no entry is beyond 2.274 of the result's.
    """
    wide = deviation / CUT_DEVIATION
    return nn.init.trunc_normal_(torch.empty(*shape), std=wide, a=-2 * wide, b=2 * wide)
