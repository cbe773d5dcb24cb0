"""Compiled kernels as custom operators of torch.

Autograd, autocast and `torch.compile` see one opaque operation with a known gradient. The
gradient itself cannot be differentiated again. `torch.func.vmap` works by a loop over the mapped
axis; `torch.func.grad` does not work with custom operators of this kind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .mapped import map_by_loop


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
