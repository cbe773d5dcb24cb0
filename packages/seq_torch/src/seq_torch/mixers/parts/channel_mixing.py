r"""Maps of the channels that are the identity but for a few directions.

.. math:: M = \prod_i \big(I - \beta_i u_i u_i^\top\big) \qquad\text{or}\qquad
          M = I - \sum_i \beta_i u_i u_i^\top, \qquad |u_i| = 1

The first factor of a product acts first. Axes are (..., direction, channel) of u, and
(..., direction) of :math:`\beta`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from seqtheory.settings.fp_rnn import Mixing

LEAST_NORM = 1e-5  # as published: shorter directions stay short


class ChannelMixing(nn.Module):
    r"""Directions and rates by the input, and by the state before if `sources` is 2.

    The rows of both maps have a length that is a parameter of its own. :math:`\beta` lies in
    (0, `greatest`).
    """

    def __init__(self, channels: int, rank: int, *, sources: int, greatest: float):
        super().__init__()
        self.rank, self.sources, self.greatest = rank, sources, greatest
        seen = sources * channels
        self.directions = nn.Linear(seen, rank * channels, bias=False)
        self.rates = nn.Linear(seen, rank)
        nn.init.zeros_(self.rates.bias)
        weight_norm(self.directions)
        weight_norm(self.rates)

    def maps(self, kind: torch.dtype) -> tuple[Tensor, Tensor]:
        """Give the rows of both maps, (out, seen), and what is added, (out,)."""
        rows = torch.cat((self.directions.weight, self.rates.weight)).to(kind)
        added = functional.pad(self.rates.bias, (rows.shape[0] - self.rank, 0))
        return rows, added.to(kind)

    def split(
        self, mapped: Float[Tensor, "*at out"]
    ) -> tuple[Float[Tensor, "*at direction channel"], Float[Tensor, "*at direction"]]:
        r"""Give u and :math:`\beta` from what both maps give."""
        along, rates = mapped.tensor_split((mapped.shape[-1] - self.rank,), -1)
        u = functional.silu(along).unflatten(-1, (self.rank, -1))
        return functional.normalize(u, dim=-1, eps=LEAST_NORM), self.greatest * rates.sigmoid()


def removed(
    x: Float[Tensor, "*at channel"],
    u: Float[Tensor, "*at direction channel"],
    beta: Float[Tensor, "*at direction"],
    mixing: Mixing,
) -> Float[Tensor, "*at channel"]:
    """Give (I - M) x."""
    if mixing == "low_rank":
        along = beta * (u @ x[..., None])[..., 0]
        return (along[..., None, :] @ u)[..., 0, :]
    left = x
    for direction, rate in zip(u.unbind(-2), beta.unbind(-1), strict=True):
        along = (direction * left).sum(-1)
        left = left - (rate * along)[..., None] * direction
    return x - left


def solved(
    p: Float[Tensor, "*at channel"],
    scale: Float[Tensor, "*at channel"],
    u: Float[Tensor, "*at direction channel"],
    beta: Float[Tensor, "*at direction"],
    mixing: Mixing,
) -> Float[Tensor, "*at channel"]:
    r"""Give the h of :math:`h = p + \text{scale} \odot (I - M) h`, by a system of the directions.

    With :math:`(I - M) h = U^\top c` and :math:`L c = \beta \odot U h`, where L is the identity or,
    for a product, has :math:`\beta_i u_i^\top u_j` below its diagonal,

    .. math:: (L - \mathrm{diag}(\beta)\, U\, \mathrm{diag}(\text{scale})\, U^\top)\, c
              = \beta \odot U p.
    """
    rates = beta[..., None]
    system = torch.eye(beta.shape[-1], dtype=u.dtype, device=u.device)
    system = system - rates * ((u * scale[..., None, :]) @ u.mT)
    if mixing == "householder":
        system = system + rates * (u @ u.mT).tril(-1)
    c = torch.linalg.solve_ex(system, rates * (u @ p[..., None])).result
    return p + scale * (u.mT @ c)[..., 0]
