r"""Solutions of :math:`(G_t + \mathrm{diag}(\lambda))\, z_t = q_t` at every position of a sequence.

.. math:: G_t = \gamma_t G_{t-1} + k_t w_t^\top, \qquad w_t = \beta_t k_t

Axes are (batch, head, time, key), of the ridge (head, 1, key). G is symmetric.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from ... import ops


def solved_exactly(
    q: Float[Tensor, "batch head time key"],
    k: Float[Tensor, "batch head time key"],
    w: Float[Tensor, "batch head time key"],
    decay: Float[Tensor, "batch head time"],
    ridge: Float[Tensor, "head 1 key"],
    initial: Float[Tensor, "batch head key key"],
) -> Float[Tensor, "batch head time key"]:
    """Solve by a Cholesky factor of every G, all of which are held."""
    products = (k[..., :, None] * w[..., None, :]).flatten(-2)  # (batch, head, time, key^2)
    G = ops.linear_scan(
        decay.flatten(0, 1)[..., None], products.flatten(0, 1), initial.flatten(2).flatten(0, 1)
    )
    G = G.reshape(*k.shape, k.shape[-1]) + torch.diag_embed(ridge)
    factor = torch.linalg.cholesky_ex(G).L
    return torch.cholesky_solve(q[..., None], factor)[..., 0]


def solved_by_steps(
    q: Float[Tensor, "batch head time key"],
    k: Float[Tensor, "batch head time key"],
    w: Float[Tensor, "batch head time key"],
    decay: Float[Tensor, "batch head time"],
    ridge: Float[Tensor, "head 1 key"],
    initial: Float[Tensor, "batch head key key"],
    *,
    steps: int,
) -> Float[Tensor, "batch head time key"]:
    r"""Solve by conjugate gradients from zero; a product with G at all positions is a scan.

    With A the matrix, the gradient of the solution z, :math:`dz = A^{-1} (dq - dA\, z)`, is that of
    the residual :math:`q - A z` for a fixed z, after as many steps with the cotangent.
    """
    system = (k, w, decay, ridge, initial)
    fixed = tuple(value.detach() for value in system)
    z = _conjugate_gradients(q.detach(), fixed, steps)
    if not torch.is_grad_enabled():
        return z
    return _Solution.apply(q - _product(z, *system), z, steps, *fixed)


class _Solution(torch.autograd.Function):
    """The solution, as a function of the residual that is left at it."""

    generate_vmap_rule = True

    @staticmethod
    def forward(residual: Tensor, z: Tensor, steps: int, *system: Tensor) -> Tensor:
        del residual, steps, system
        return z.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        del output
        ctx.steps = inputs[2]
        ctx.save_for_backward(*inputs[3:])

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Any, ...]:
        system = ctx.saved_tensors
        solved = _conjugate_gradients(grad_outputs[0], system, ctx.steps)
        return (solved, *(None,) * (2 + len(system)))


def _product(
    z: Tensor, k: Tensor, w: Tensor, decay: Tensor, ridge: Tensor, initial: Tensor
) -> Tensor:
    scanned = ops.outer_scan(z, k[:, :, :, None], w[:, :, :, None], decay, initial)
    assert isinstance(scanned, Tensor)
    return scanned + ridge * z


def _conjugate_gradients(q: Tensor, system: tuple[Tensor, ...], steps: int) -> Tensor:
    z, residual, direction = torch.zeros_like(q), q, q
    size = q.square().sum(-1, keepdim=True)
    for _ in range(steps):
        moved = _product(direction, *system)
        rate = _share(size, (direction * moved).sum(-1, keepdim=True))
        z, residual = z + rate * direction, residual - rate * moved
        before, size = size, residual.square().sum(-1, keepdim=True)
        direction = residual + _share(size, before) * direction
    return z


def _share(part: Tensor, whole: Tensor) -> Tensor:
    """Divide; zero where nothing is left to divide."""
    left = whole > 0
    return torch.where(left, part / torch.where(left, whole, 1.0), 0.0)
