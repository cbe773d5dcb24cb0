r"""A state of a diagonal plus low-rank system over many steps: its response, and the last state.

Coordinates, products and matrices are those of `dplr_kernel`. A transposed system,
:math:`M^\top = \mathrm{diag}(\bar\mu) - p p^\top`, is of the same kind, which makes a state
an output map: both functions are kernels again, without a step of Python per position.
"""

from __future__ import annotations

from math import isqrt

import torch
from jaxtyping import Complex, Float
from torch.nn import functional

from .dplr_kernel import dplr_kernel, inner, lost


def response(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    c: Complex[torch.Tensor, "channel mode"],
    state: Complex[torch.Tensor, "batch channel mode"],
    length: int,
) -> Float[torch.Tensor, "batch channel length"]:
    r"""Give the outputs at the next positions, without an input.

    .. math:: \langle c, \bar A^{l+1} h \rangle = \langle h, (\bar A^\top)^l \bar A^\top c \rangle,
              \qquad \bar A^\top c = 2 (1 - M^\top)^{-1} \tfrac12 (1 + M^\top) c
    """
    moved = c + mu.conj() * c - p * inner(p, c)[..., None]
    return dplr_kernel(mu.conj(), p, moved / 2, state, length)


def last_state(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    b: Complex[torch.Tensor, "channel mode"],
    x: Float[torch.Tensor, "batch channel time"],
    state: Complex[torch.Tensor, "batch channel mode"],
) -> Complex[torch.Tensor, "batch channel mode"]:
    r"""Give the state after the last position.

    .. math:: \bar A^L h + \sum_{j=0}^{L-1} \bar A^{L-1-j} \bar B u_j

    Notes
    -----
    The sum is formed in blocks of about :math:`\sqrt L` positions, from the response of every
    state to an impulse, and the blocks are joined pair by pair: memory is O(channel mode sqrt(L))
    besides that of `dplr_kernel`, and a block's state per row.
    """
    length = x.shape[-1]
    block = isqrt(length - 1) + 1
    number = -(-length // block)
    x = functional.pad(x, (number * block - length, 0)).unflatten(-1, (number, block)).flip(-2, -1)
    parts = dplr_kernel(mu, p, b, _coordinates(p), block)
    sums = torch.einsum("bcql,rcl->qbcr", x, parts)
    sums = torch.complex(*sums.chunk(2, -1))
    while len(sums) > 1:
        sums = functional.pad(sums, (0, 0) * 3 + (0, len(sums) % 2))
        sums = sums[0::2] + _moved(mu, p, sums[1::2], block)
        block = 2 * block
    return _moved(mu, p, state, length) + sums[0]


def _moved(
    mu: torch.Tensor, p: torch.Tensor, state: torch.Tensor, length: int
) -> Complex[torch.Tensor, "... channel mode"]:
    """Power of the transition times the state."""
    rows = state.flatten(0, -3)
    return (rows - lost(mu.conj(), p, rows, length)).view_as(state)


def _coordinates(p: torch.Tensor) -> Complex[torch.Tensor, "real channel mode"]:
    """Output maps that read every real part, then every imaginary part."""
    modes = torch.eye(p.shape[-1], dtype=p.dtype, device=p.device)
    return torch.cat((modes, 1j * modes))[:, None].expand(-1, len(p), -1)
