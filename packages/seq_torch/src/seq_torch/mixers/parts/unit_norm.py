"""Vectors of norm 1: queries and keys of the delta rule."""

from __future__ import annotations

import torch
from jaxtyping import Float

from seqtheory.settings.delta_rule import Normalisation, check_normalisation

__all__ = ["Normalisation", "check_normalisation", "unit"]

SMOOTHING = 1e-6  # as published


def unit(
    x: Float[torch.Tensor, "... channel"], normalisation: Normalisation
) -> Float[torch.Tensor, "... channel"]:
    r"""Scale vectors to norm 1, in single precision or better.

    .. math:: \text{smooth: } x / \sqrt{|x|^2 + 10^{-6}}, \qquad \text{exact: } x / |x|,
              \text{ zero at zero.}

    Parameters
    ----------
    x
        Vectors along the last axis.
    normalisation
        "smooth" is differentiable everywhere; its norms are below 1 by :math:`10^{-6} / (2 |x|^2)`.
        "exact" has no derivative at zero, where it passes no gradient on.

    Notes
    -----
    The smooth rule is that of the kernels of flash-linear-attention 0.6.0 (`l2norm`).
    """
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    if normalisation == "smooth":
        return x * torch.rsqrt(x.square().sum(-1, keepdim=True) + SMOOTHING)
    norm = x.norm(dim=-1, keepdim=True)
    return x / norm.masked_fill(norm == 0, torch.inf)
