"""Kernel and last state of a diagonal system: sums of complex exponentials over modes or lags."""

from __future__ import annotations

from math import isqrt

import torch
from jaxtyping import Complex, Float
from torch.nn import functional


def exponential_sum(
    coefficients: Complex[torch.Tensor, "*batch channel state"],
    exponents: Complex[torch.Tensor, "channel state"],
    length: int,
) -> Float[torch.Tensor, "*batch channel length"]:
    r"""Real part of a sum of exponentials.

    .. math:: K_l = \mathrm{Re} \sum_n c_n e^{l z_n}, \qquad l = 0, \dots, L - 1

    Notes
    -----
    A lag is split as :math:`l = q m + r` with :math:`m = \lceil\sqrt{L}\rceil`, which turns the
    product with the Vandermonde matrix into a product of two narrow ones. Memory is
    O(channel state sqrt(L)) where the full matrix takes O(channel state L), also in the backward
    pass, and the work is one batched product of real matrices.
    """
    coarse, fine = _factors(exponents, length)
    coarse = coefficients[..., None, :] * coarse
    left = torch.view_as_real(coarse.conj().resolve_conj()).flatten(-2)
    right = torch.view_as_real(fine).movedim(-1, 2).flatten(1, 2)
    return torch.matmul(left, right).flatten(-2)[..., :length]


def weighted_by_exponentials(
    weights: Float[torch.Tensor, "*batch channel length"],
    exponents: Complex[torch.Tensor, "channel state"],
) -> Complex[torch.Tensor, "*batch channel state"]:
    r"""Weighted sum over the lags, the transpose of `exponential_sum`.

    .. math:: s_n = \sum_{l=0}^{L-1} w_l e^{l z_n}
    """
    length = weights.shape[-1]
    coarse, fine = _factors(exponents, length)
    num_blocks, block = coarse.shape[1], fine.shape[-1]
    weights = functional.pad(weights, (0, num_blocks * block - length))
    weights = weights.unflatten(-1, (num_blocks, block)).to(fine.real.dtype)
    right = torch.view_as_real(fine.mT).flatten(-2)
    within = torch.matmul(weights, right).unflatten(-1, (-1, 2))
    return (coarse * torch.view_as_complex(within)).sum(-2)


def _factors(
    exponents: Complex[torch.Tensor, "channel state"], length: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Exponentials at the first lags of blocks ``(channel, block, state)``, and at a block's lags.

    The lags within a block come last: ``(channel, state, lag)``.
    """
    block = isqrt(length - 1) + 1
    lags = torch.arange(block, device=exponents.device)
    num_blocks = -(-length // block)
    coarse = torch.exp(exponents[:, None] * (block * lags[:num_blocks, None]))
    return coarse, torch.exp(exponents[..., None] * lags)
