"""The kernel of S4 in torch; `seqtheory.settings.s4_dplr` derives it."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi
from typing import Any

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from ...ops.glue import opaque

BLOCK = 2**17  # modes times frequencies that are held at once
FEW = 16  # products with rows that cost less than squaring the matrix once more


def dplr_kernel(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    b: Complex[torch.Tensor, "channel mode"],
    c: Complex[torch.Tensor, "output channel mode"],
    length: int,
) -> Float[torch.Tensor, "output channel length"]:
    """Kernel from the generating function at all lags below `length`, which is even or odd.

    `mu`, `p` and `b` are the system in real coordinates, Re mu < 0, and `c` its output maps.

    Notes
    -----
    Work is O(channel mode length) for the sums over modes, formed in blocks and anew in the
    backward pass, and O(channel mode^3 log length) for the power of the transition, whose repeated
    squares are kept: O(channel mode^2 log length) memory.
    """
    rest = lost(mu, p, c, length)
    around = torch.stack((p.conj() * b, p.conj() * p))
    products = torch.cat((rest.conj() * b, rest.conj() * p, around)).transpose(0, 1)
    weights = torch.cat((products.real, -(mu.conj()[:, None] * products).real), 1)
    sine, cosine = (part.to(weights) for part in nodes(length))
    rotation = torch.complex(cosine, sine)
    sums = _sums(weights, mu.real, mu.real**2 + mu.imag**2, sine, cosine)
    resolved = torch.complex(*sums.unbind(2))
    direct, left, (right, middle) = (
        resolved[:, : len(c)],
        resolved[:, len(c) : -2],
        resolved[:, -2:, None].unbind(1),
    )
    spectrum = rotation * (direct - cosine * left * right / (1 + cosine * middle))
    return torch.fft.irfft(spectrum, n=length).transpose(0, 1)


def unrolled_kernel(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    b: Complex[torch.Tensor, "channel mode"],
    c: Complex[torch.Tensor, "output channel mode"],
    length: int,
) -> Float[torch.Tensor, "output channel length"]:
    """Kernel by the recurrence itself, one lag after the other: the twin to check against."""
    state, response = torch.zeros_like(b), []
    for lag in range(length):
        state = advance(mu, p, b if lag == 0 else torch.zeros_like(b), state)
        response.append(inner(c, state))
    return torch.stack(response, -1)


def advance(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    driven: Complex[torch.Tensor, "... channel mode"],
    state: Complex[torch.Tensor, "... channel mode"],
) -> Complex[torch.Tensor, "... channel mode"]:
    r"""Advance the recurrence by one step, in O(channel mode), for a drive b u.

    .. math:: h_k = 2 (1 - M)^{-1} (h_{k-1} + b u_k) - h_{k-1}
    """
    gain = 1 / (1 - mu)
    along, moved = gain * p, gain * (state + driven)
    share = inner(p, moved) / (1 + inner(p, along))
    return 2 * (moved - along * share[..., None]) - state


def inner(
    u: Complex[torch.Tensor, "... mode"], v: Complex[torch.Tensor, "... mode"]
) -> Float[torch.Tensor, ...]:
    """Inner product of real coordinates."""
    return (u.conj() * v).real.sum(-1)


def lost(
    mu: Complex[torch.Tensor, "channel mode"],
    p: Complex[torch.Tensor, "channel mode"],
    c: Complex[torch.Tensor, "output channel mode"],
    length: int,
) -> Complex[torch.Tensor, "output channel mode"]:
    r"""Give :math:`(1 - \bar A^L)^\top c`, accurate to rounding relative to itself, however small.

    What is squared is :math:`X = \bar A^n - 1`, by :math:`(1 + X)^2 - 1 = 2 X + X^2`: with short
    steps the transition is close to 1, and its own rounding would be that of the difference.
    """
    rows = torch.cat((c.real, c.imag), -1).transpose(0, 1)
    change = _Change.apply(_increment(mu, p), rows, length)
    return -torch.complex(*change.transpose(0, 1).chunk(2, -1))


def nodes(length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sine and cosine of pi k / length for k up to length / 2, in float64; cosine 0 exactly."""
    k = torch.arange(length // 2 + 1, dtype=torch.float64)
    return torch.sin(pi * k / length), torch.sin(pi * (length - 2 * k) / (2 * length))


def _increment(mu: torch.Tensor, p: torch.Tensor) -> Float[torch.Tensor, "channel real real"]:
    """Transition less 1, on the real parts of all modes followed by the imaginary ones."""
    gain = 1 / (1 - mu)
    along, across = gain * p, gain.conj() * p
    across = 2 * across / (1 + inner(p, along))[..., None]
    along, across = (torch.cat((v.real, v.imag), -1) for v in (along, across))
    diagonal = 2 * mu * gain
    real, imaginary = torch.diag_embed(diagonal.real), torch.diag_embed(diagonal.imag)
    rows = torch.cat((real, -imaginary), -1), torch.cat((imaginary, real), -1)
    return torch.cat(rows, -2) - along[..., :, None] * across[..., None, :]


class _Change(torch.autograd.Function):
    """Rows times ((1 + X)^length - 1), for one matrix X ``(channel, real, real)`` per channel.

    Torch's own gradient has equal values and takes twice the time: it forms every term separately.
    """

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, rows: torch.Tensor, length: int) -> torch.Tensor:
        change, matrices, seen, ctx.uses = torch.zeros_like(rows), [matrix], [], []
        while length:
            ctx.uses.append(length if length <= FEW else length % 2)
            for _ in range(ctx.uses[-1]):
                seen.append(rows + change)
                change = torch.baddbmm(change, seen[-1], matrix)
            length = length // 2 if length > FEW else 0
            if length:
                matrix = torch.baddbmm(matrix, matrix, matrix, beta=2)
                matrices.append(matrix)
        ctx.save_for_backward(*matrices, *seen)
        return change

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, arriving: torch.Tensor
    ) -> tuple[torch.Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: under checkpointing a second reading is refused
        matrices, seen = saved[: len(ctx.uses)], list(saved[len(ctx.uses) :])
        into_matrix, into_rows = torch.zeros_like(matrices[0]), torch.zeros_like(arriving)
        for matrix, uses in zip(reversed(matrices), reversed(ctx.uses), strict=True):
            square = into_matrix
            into_matrix = torch.baddbmm(square, square, matrix.mT, beta=2)
            into_matrix.baddbmm_(matrix.mT, square)
            for _ in range(uses):
                into_matrix.baddbmm_(seen.pop().mT, arriving)
                through = arriving @ matrix.mT
                into_rows += through
                arriving = arriving + through
        return into_matrix, into_rows, None


@torch.library.custom_op(
    "seq_torch::dplr_sums",
    mutates_args=(),
    schema="(Tensor weights, Tensor decay, Tensor square, Tensor sine, Tensor cosine) -> Tensor",
)
def _sums(weights: Tensor, decay: Tensor, square: Tensor, sine: Tensor, cosine: Tensor) -> Tensor:
    r"""Form the sums of :math:`(i \sigma \alpha_n + \gamma \beta_n) / d_n` over the modes n.

    Here :math:`d_n = (i \sigma - \gamma \mu_n) (i \sigma - \gamma \bar\mu_n)`. Takes the real
    weights alpha and beta, one below the other ``(channel, 2 row, mode)``, Re mu and \|mu\|^2
    ``(channel, mode)``, and the nodes; gives real and imaginary parts ``(channel, row, 2, node)``.
    Poles are formed block by block, and again in the backward pass.
    """
    sums = _empty_sums(weights, decay, square, sine, cosine)
    for rows, columns in _blocks(decay, len(sine)):
        s, g = sine[columns], cosine[columns]
        poles = _poles(decay[rows], square[rows], s, g)
        block = (weights[rows] @ poles.flatten(2)).unflatten(-1, (2, -1))
        alpha, beta = block.chunk(2, 1)
        into = torch.mul(g, beta, out=sums[rows, :, :, columns])
        into[:, :, 0] -= s * alpha[:, :, 1]
        into[:, :, 1] += s * alpha[:, :, 0]
    return sums


@_sums.register_fake
def _empty_sums(
    weights: Tensor, decay: Tensor, square: Tensor, sine: Tensor, cosine: Tensor
) -> Tensor:
    return weights.new_empty(len(weights), weights.shape[1] // 2, 2, len(sine))


@torch.library.custom_op(
    "seq_torch::dplr_sums_backward",
    mutates_args=(),
    schema=(
        "(Tensor gradient, Tensor weights, Tensor decay, Tensor square, Tensor sine, "
        "Tensor cosine) -> (Tensor, Tensor, Tensor)"
    ),
)
def _sums_backward(
    gradient: Tensor, weights: Tensor, decay: Tensor, square: Tensor, sine: Tensor, cosine: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `weights`, `decay` and `square`."""
    into = [torch.zeros_like(tensor) for tensor in (weights, decay, square)]
    for rows, columns in _blocks(decay, len(sine)):
        s, g = sine[columns], cosine[columns]
        poles = _poles(decay[rows], square[rows], s, g)
        part = gradient[rows, :, :, columns]
        turned = torch.stack((s * part[:, :, 1], -s * part[:, :, 0]), 2)
        arriving = torch.cat((turned, g * part), 1).flatten(2)
        into[0][rows] += arriving @ poles.flatten(2).mT
        first, second = (weights[rows].mT @ arriving).unflatten(-1, (2, -1)).unbind(2)
        # d(1 / x) = -(1 / x)^2 dx, conjugated for the gradient of a real number.
        real, imaginary = poles.unbind(2)
        squared = torch.addcmul(real**2, imaginary, imaginary, value=-1)
        crossed = real * imaginary
        into[1][rows] += torch.addcmul(second * squared, first, crossed, value=-2) @ (2 * s * g)
        into[2][rows] -= torch.addcmul(first * squared, second, crossed, value=2) @ g**2
    return into[0], into[1], into[2]


@_sums_backward.register_fake
def _(
    gradient: Tensor, weights: Tensor, decay: Tensor, square: Tensor, sine: Tensor, cosine: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return torch.empty_like(weights), torch.empty_like(decay), torch.empty_like(square)


def _keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _back(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    return *_sums_backward(gradient, *ctx.saved_tensors), None, None


opaque.register(_sums, _sums_backward, setup=_keep, backward=_back)


def _poles(
    decay: torch.Tensor, square: torch.Tensor, sine: torch.Tensor, cosine: torch.Tensor
) -> Float[torch.Tensor, "channel mode 2 frequency"]:
    poles = decay.new_empty(*decay.shape, 2, len(sine))
    real, imaginary = poles.unbind(2)
    torch.mul(square[..., None], cosine**2, out=real).sub_(sine**2)
    torch.mul(decay[..., None], 2 * sine * cosine, out=imaginary)
    scale = torch.addcmul(real**2, imaginary, imaginary).reciprocal_()
    real *= scale
    imaginary *= scale
    return poles


def _blocks(decay: torch.Tensor, frequencies: int) -> Iterator[tuple[slice, slice]]:
    """Cut channels and frequencies so that a block holds about `BLOCK` poles."""
    channels, modes = decay.shape
    columns = max(1, min(frequencies, BLOCK // modes))
    rows = max(1, BLOCK // (modes * columns))
    for row in range(0, channels, rows):
        for column in range(0, frequencies, columns):
            yield slice(row, row + rows), slice(column, column + columns)
