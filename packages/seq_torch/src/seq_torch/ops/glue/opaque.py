"""Compiled kernels as custom operators of torch.

Autograd, autocast and `torch.compile` see one opaque operation with a known gradient. The
gradient itself cannot be differentiated again. `torch.func.vmap` works by a loop over the mapped
axis; `torch.func.grad` does not work with custom operators of this kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def define(
    name: str, schema: str, run: Callable[..., Any], empty: Callable[..., Any]
) -> Callable[..., Any]:
    """Make the operator ``seq_torch::name``.

    Parameters
    ----------
    name
        Name of the operator.
    schema
        Types of its inputs and results, in torch's words.
    run
        Computes the results, of which none is one of the inputs.
    empty
        Gives tensors of the results' shapes and types, without numbers.
    """
    operator = torch.library.custom_op(f"seq_torch::{name}", run, mutates_args=(), schema=schema)
    operator.register_fake(empty)
    return operator


def register(
    operator: Any, gradient: Any, *, setup: Callable[..., None], backward: Callable[..., Any]
) -> None:
    """Give an operator its gradient, a type under autocast, and its mapped form.

    Parameters
    ----------
    operator, gradient
        What `torch.library.custom_op` gives; the second computes the gradients of the first.
    setup
        Keeps what the gradient needs: ``setup(ctx, inputs, output)``, called by these names.
    backward
        Calls the gradient: ``backward(ctx, *cotangents)``, one result for each input.
    """
    operator.register_autograd(backward, setup_context=setup)
    for device in ("cpu", "cuda"):
        operator.register_autocast(device, torch.float32)
    for each in (operator, gradient):
        map_by_loop(each)


def map_by_loop(operator: Any) -> None:
    """Let `torch.func.vmap` map a custom operator, whose outputs then are stacked along axis 0.

    Parameters
    ----------
    operator
        What `torch.library.custom_op` gives; its outputs are a tensor, or a tuple or list of them.
    """

    @operator.register_vmap
    def _(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
        found = [operator(*_taken(inputs, in_dims, index)) for index in range(info.batch_size)]
        if isinstance(found[0], Tensor):
            return torch.stack(found), 0
        kind = type(found[0])
        stacked = kind(torch.stack(parts) for parts in zip(*found, strict=True))
        return stacked, kind([0] * len(stacked))


def _taken(value: Any, dim: Any, index: int) -> Any:
    """One of the mapped values; a list of tensors has a list of axes."""
    if isinstance(value, Tensor):
        return value if dim is None else value.select(dim, index)
    if isinstance(dim, (list, tuple)):
        return [_taken(part, of_part, index) for part, of_part in zip(value, dim, strict=True)]
    return value
