"""Forward-mode derivatives of compiled kernels, which have none: refused, not zero."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

from .backend import BackendError


def without_tangents(operation: str, operator: Callable[..., Any]) -> Callable[..., Any]:
    """Let a custom operator raise where an input carries a tangent, which it would drop."""

    @wraps(operator)
    def call(*arguments: Any) -> Any:
        if not torch.compiler.is_compiling() and any(map(_has_tangent, _tensors(arguments))):
            raise BackendError(
                f"{operation}: the compiled kernels have no forward-mode derivative. Use "
                "backend='reference', or `with use_backend('reference')` around a model."
            )
        return operator(*arguments)

    return call


def _tensors(arguments: Iterable[Any]) -> Iterator[Tensor]:
    for argument in arguments:
        if isinstance(argument, Tensor):
            yield argument
        elif isinstance(argument, (list, tuple)):
            yield from _tensors(argument)


def _has_tangent(tensor: Tensor) -> bool:
    inside = forward_ad._current_level >= 0  # pyright: ignore[reportPrivateUsage]
    return inside and forward_ad.unpack_dual(tensor).tangent is not None
