"""Custom operators of the compiled recurrences of matrices, made from their inputs' names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Protocol

import torch
from torch import Tensor

from . import opaque
from .checks import learns
from .matrices import MatrixProblem
from .tangents import without_tangents


class Kernels(Protocol):
    """What a module ``fused`` offers; it knows nothing of autograd."""

    shapes: Callable[[Any, bool], list[tuple[int, ...]]]
    """Shapes of output, last state, and whatever else is kept, empty unless it is."""
    forward: Callable[[Any, bool], tuple[Tensor, ...]]
    """Results of these shapes."""
    backward: Callable[..., list[Tensor]]
    """Gradients of the inputs that are given, from what was kept and the two cotangents."""


@dataclass(frozen=True)
class MatrixOperator:
    """Operator of a scan and of its gradient.

    Attributes
    ----------
    names
        Inputs, in the order of the problem's fields.
    operator, gradient
        What `torch.library.custom_op` gives.
    """

    names: tuple[str, ...]
    operator: Any
    gradient: Any
    call: Callable[..., Any]

    def scan(self, p: MatrixProblem) -> tuple[Tensor, Tensor]:
        """Output and last state; what the gradient needs is kept only where there is to be one."""
        keep = torch.is_grad_enabled() and any(t.requires_grad for t in p.given.values())
        # In the order of memory once, for the kernels of both passes.
        given = [None if v is None else v.contiguous() for v in (getattr(p, n) for n in self.names)]
        output, state, *_ = self.call(*given, keep)
        return output, state


def matrix_operator(
    name: str, problem: type[MatrixProblem], fused: Kernels, kept: Sequence[str]
) -> MatrixOperator:
    """Register ``seq_torch::name`` and ``seq_torch::name_backward``.

    Parameters
    ----------
    name
        Name of the scan.
    problem
        Class of its inputs; a field with a default may be None.
    fused
        Module with its compiled kernels.
    kept
        Names of what the kernels keep for the gradient.
    """
    named = fields(problem)
    tensors = ", ".join(f"Tensor{'?' * (f.default is not MISSING)} {f.name}" for f in named)
    results = ", ".join(["Tensor"] * (2 + len(kept)))
    cotangents = ", ".join(f"Tensor {each}" for each in (*kept, "dy", "dstate"))

    def forward(*given: Any) -> tuple[Tensor, ...]:
        return fused.forward(problem(*given[:-1]), given[-1])

    def empty(*given: Any) -> tuple[Tensor, ...]:
        p = problem(*given[:-1])
        return tuple(p.like.new_empty(shape) for shape in fused.shapes(p, given[-1]))

    def differentiate(*given: Any) -> list[Tensor]:
        return fused.backward(problem(*given[: len(named)]), *given[len(named) :])

    def empty_gradients(*given: Any) -> list[Tensor]:
        return [value.new_empty(value.shape) for value in given[: len(named)] if learns(value)]

    operator = opaque.define(name, f"({tensors}, bool keep) -> ({results})", forward, empty)
    schema = f"({tensors}, {cotangents}) -> Tensor[]"
    gradient = opaque.define(f"{name}_backward", schema, differentiate, empty_gradients)

    def setup(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        ctx.save_for_backward(*inputs[:-1], *output[2:])

    def backward(ctx: Any, dy: Tensor, dstate: Tensor, *_: Any) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors  # once: under checkpointing a second reading is refused
        found = iter(gradient(*saved, dy, dstate))
        inputs = saved[: len(named)]
        return (*(next(found) if learns(value) else None for value in inputs), None)

    opaque.register(operator, gradient, setup=setup, backward=backward)
    names = tuple(field.name for field in named)
    return MatrixOperator(names, operator, gradient, without_tangents(name, operator))
