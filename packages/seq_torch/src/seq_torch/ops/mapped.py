"""`torch.func.vmap` of custom operators: a loop over the mapped axis."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


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
