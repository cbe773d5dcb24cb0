"""A pass forward and back as work to be timed, and compared with another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.worker import Work

Step = Callable[[], list[Tensor]]


def normal() -> Callable[..., Tensor]:
    """Give what draws normal numbers of a shape, from one seed; each call goes on from the last."""
    generator = torch.Generator().manual_seed(0)
    return lambda *shape: torch.randn(shape, generator=generator)


def step(function: Callable[..., Any], inputs: dict[str, Tensor], **options: Any) -> Step:
    """Forward, then the gradients of a fixed sum; returns output and gradients."""
    leaves = {name: value.detach().requires_grad_() for name, value in inputs.items()}

    def run() -> list[Tensor]:
        output = function(**leaves, **options)
        found = torch.autograd.grad(output, list(leaves.values()), torch.ones_like(output))
        return [output.detach(), *found]

    return run


def difference(results: list[Tensor], expected: list[Tensor]) -> float:
    """Largest difference of any tensor, relative to the largest entry of the expected one."""
    pairs = zip(results, expected, strict=True)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def work(
    call: Step, version: str, ours: Step | None = None, facts: dict[str, Any] | None = None
) -> Work:
    """Work in float32 on torch's threads, whose results are compared with ours, if given."""

    def check(results: list[Tensor]) -> dict[str, Any]:
        if ours is None:
            return {}
        error = difference(results, ours())
        if not error < 1e-3:
            raise ValueError(f"output or gradients differ from ours by {error:.1e} of the largest")
        return {"difference": error}

    return Work(
        call=call,
        version=version,
        threads=torch.get_num_threads(),
        dtype="float32",
        check=check,
        facts=facts or {},
    )
