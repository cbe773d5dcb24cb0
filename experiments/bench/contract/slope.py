"""The point on gradients: finite, and what differences of outputs say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault, Skip

if TYPE_CHECKING:
    import torch
    from torch import nn

    from experiments.bench.contract.subject import Subject

_TIME = 6
_MOST = 64  # tensors whose gradients are compared


def gradients(subject: Subject) -> str:
    """See that gradients are finite, and agree with differences along random directions."""
    unreached = _see_finite(subject)
    if subject.candidate.settings.straight_through:
        raise Skip("finite; straight through, as it says, so that no difference agrees")
    if subject.precision == "half":
        raise Skip("finite; its numbers are too coarse for differences")
    model = subject.build(dtype=subject.dtype)
    x = subject.inputs(rows=2, time=_TIME).requires_grad_()
    tensors = {"the input": x}
    tensors |= {n: p for n, p in model.named_parameters() if p.requires_grad}
    tensors = dict(list(tensors.items())[:_MOST])
    subject.afford(4 * len(tensors), _TIME, "differences")
    worst = max(_disagreement(subject, model, x, name, tensors) for name in tensors)
    beside = f"; none reaches {', '.join(unreached[:3])}" if unreached else ""
    return f"finite, equal to differences within {worst:.0e}{beside}"


def _see_finite(subject: Subject) -> list[str]:
    """Raise if a gradient in training mode is not finite; names of parameters that have none."""
    model = subject.build(dtype=subject.dtype).train()
    x = subject.inputs().requires_grad_()
    y = subject.map(x, model)
    if not y.requires_grad:
        raise Fault("its outputs have no gradient", "leave out no_grad, detach, .data and NumPy")
    y.square().mean().backward()
    for name, tensor in (("the input", x), *model.named_parameters()):
        if tensor.grad is not None and not tensor.grad.isfinite().all():
            raise Fault(f"the gradient of {name} is not finite at {subject.length} positions")
    return [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]


def _disagreement(
    subject: Subject, model: nn.Module, x: torch.Tensor, name: str, tensors: dict
) -> float:
    """Raise if a gradient and differences disagree along each of three directions."""
    tensor, tolerance = tensors[name], subject.slope_tolerance
    seen = []
    for seed in range(3):
        slope, difference, noise = _slopes(subject, model, x, tensor, seed)
        far = abs(slope - difference) / max(abs(slope), abs(difference), noise)
        if far <= tolerance:
            return far
        seen.append((slope, difference))
    slope, difference = seen[0]
    raise Fault(f"the gradient of {name} is {slope:.4g} where differences say {difference:.4g}")


def _slopes(
    subject: Subject, model: nn.Module, x: torch.Tensor, tensor: torch.Tensor, seed: int
) -> tuple[float, float, float]:
    """Slope along a direction by autograd and by differences, and one that rounding would hide."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    direction = torch.randn((2, *tensor.shape), generator=generator).to(x)
    direction = torch.complex(*direction) if tensor.is_complex() else direction[0]
    weights = torch.randn(x.shape, generator=generator).to(x)

    def value() -> torch.Tensor:
        return (subject.map(x, model) * weights).sum()

    (slope,) = torch.autograd.grad(value(), tensor, allow_unused=True)
    along = 0.0 if slope is None else (slope.conj() * direction).sum().real.item()
    h = 1e-5 if subject.precision == "double" else 5e-3
    before = tensor.detach().clone()
    ends: list[float] = []
    with torch.no_grad():
        for sign in (1, -1):
            tensor.copy_(before + sign * h * direction)
            ends.append(value().item())
        tensor.copy_(before)
    return along, (ends[0] - ends[1]) / (2 * h), 1e-3 * max(1.0, *map(abs, ends))
