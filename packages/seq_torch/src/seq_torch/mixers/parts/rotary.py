"""Rotary positions: pairs of channels that turn by an angle for each step."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int

BASE = 10000.0


def turned(
    x: Float[torch.Tensor, "*batch time channel"], steps: Int[torch.Tensor, "time 1"]
) -> Float[torch.Tensor, "*batch time channel"]:
    r"""Turn channels j and j + d / 2 by :math:`\mathrm{step} \cdot 10000^{-2 j / d}`.

    Parameters
    ----------
    x
        Queries or keys, of an even number d of channels.
    steps
        Their positions; angles are formed in double precision.

    References
    ----------
    Su et al., arXiv 2104.09864, with the pairs of half and half that are usual in code.
    """
    half = x.shape[-1] // 2
    places = torch.arange(half, device=x.device, dtype=torch.float64)
    angles = steps * BASE ** (-places / half)  # (time, half)
    cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    first, second = x.split(half, -1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), -1)
