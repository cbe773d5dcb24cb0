"""The kernel of a diagonal system: a sum of complex exponentials at every lag."""

from __future__ import annotations

from math import isqrt

import torch
from jaxtyping import Complex, Float


def exponential_sum(
    coefficients: Complex[torch.Tensor, "channel state"],
    exponents: Complex[torch.Tensor, "channel state"],
    length: int,
) -> Float[torch.Tensor, "channel length"]:
    r"""Real part of a sum of exponentials.

    .. math:: K_l = \mathrm{Re} \sum_n c_n e^{l z_n}, \qquad l = 0, \dots, L - 1

    Notes
    -----
    A lag is split as :math:`l = q m + r` with :math:`m = \lceil\sqrt{L}\rceil`, which turns the
    product with the Vandermonde matrix into a product of two narrow ones. Memory is
    O(channel state sqrt(L)) where the full matrix takes O(channel state L), also in the backward
    pass, and the work is one batched product of real matrices.
    """
    block = isqrt(length - 1) + 1
    lags = torch.arange(block, device=exponents.device)
    num_blocks = -(-length // block)
    coarse = coefficients[:, None] * torch.exp(
        exponents[:, None] * (block * lags[:num_blocks, None])
    )
    fine = torch.exp(exponents[..., None] * lags)
    left = torch.view_as_real(coarse.conj().resolve_conj()).flatten(2)
    right = torch.view_as_real(fine).movedim(-1, 2).flatten(1, 2)
    return torch.bmm(left, right).flatten(1)[:, :length]
