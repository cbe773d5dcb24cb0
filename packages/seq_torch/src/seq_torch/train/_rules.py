"""One update by each rule; `seqtheory.training.Training` states the equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.optim.adam import adam

from seqtheory.training._optimiser import (
    NEWTON_SCHULZ,
    NEWTON_SCHULZ_STEPS,
    SMALLEST_NORM,
    shape_factor,
)

if TYPE_CHECKING:
    from jaxtyping import Float

    from seqtheory.training._optimiser import Rule

Moments = dict[str, torch.Tensor]


def begun(rule: Rule, parameter: torch.Tensor, *, fused: bool) -> Moments:
    """Moments of a parameter before its first gradient; a fused kernel counts beside them."""
    if rule == "sgd":
        return {}
    if rule != "adamw":
        return {"average": torch.zeros_like(parameter)}
    where = parameter.device if fused else torch.device("cpu")
    return {
        "step": torch.zeros((), dtype=torch.float32, device=where),
        "exp_avg": torch.zeros_like(parameter),
        "exp_avg_sq": torch.zeros_like(parameter),
    }


def adamw(
    moved: list[torch.Tensor],
    gradients: list[torch.Tensor],
    held: list[Moments],
    *,
    rate: float,
    decay: float,
    fused: bool,
) -> None:
    """Adam with decoupled decay, by torch's functional form; a fused kernel has no complex type.

    Updates equal those of `torch.optim.AdamW`. That class imports torch's compiler when it is made:
    several seconds in every process.
    """
    adam(
        moved,
        gradients,
        [moments["exp_avg"] for moments in held],
        [moments["exp_avg_sq"] for moments in held],
        [],
        [moments["step"] for moments in held],
        fused=fused,
        foreach=not fused,
        has_complex=not fused,
        decoupled_weight_decay=True,
        amsgrad=False,
        beta1=0.9,
        beta2=0.999,
        lr=rate,
        weight_decay=decay,
        eps=1e-8,
        maximize=False,
    )


def momentum(
    moved: list[torch.Tensor],
    gradients: list[torch.Tensor],
    held: list[Moments],
    *,
    rate: float,
    decay: float,
    share: float,
) -> None:
    """Step along the gradients' sum, each older one weighed by a further factor `share`."""
    for parameter, gradient, moments in zip(moved, gradients, held, strict=True):
        average = moments["average"].mul_(share).add_(gradient)
        parameter.mul_(1 - rate * decay).sub_(average, alpha=rate)


def sgd(
    moved: list[torch.Tensor], gradients: list[torch.Tensor], *, rate: float, decay: float
) -> None:
    """Step along the gradients."""
    for parameter, gradient in zip(moved, gradients, strict=True):
        parameter.mul_(1 - rate * decay).sub_(gradient, alpha=rate)


def muon(
    moved: list[torch.Tensor],
    gradients: list[torch.Tensor],
    held: list[Moments],
    *,
    rate: float,
    decay: float,
    share: float,
) -> None:
    """Step along the nearly orthogonal factor of each gradient's average.

    `torch.optim.Muon` (torch 2.9) computes that factor in bfloat16, which would set the two
    frameworks apart in the third digit; otherwise the updates are the same.
    """
    for parameter, gradient, moments in zip(moved, gradients, held, strict=True):
        average = moments["average"].lerp_(gradient, 1 - share)
        direction = orthogonal_factor(gradient.lerp(average, share))
        step = rate * shape_factor(*parameter.shape)
        parameter.mul_(1 - rate * decay).sub_(direction, alpha=step)


def orthogonal_factor(matrix: Float[torch.Tensor, "row column"]) -> torch.Tensor:
    """Set the singular values of a matrix to about 1, keeping their vectors."""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / x.norm().clamp(min=SMALLEST_NORM)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return x if wide else x.T
