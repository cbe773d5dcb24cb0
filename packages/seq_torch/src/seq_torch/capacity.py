"""Bytes of a torch module, counted from its settings before any memory is taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from seqtheory.checks import require_memory
from seqtheory.settings import capacity


def count_bytes(build: Callable[[Any, int], nn.Module], config: Any, width: int) -> int:
    """Bytes of the module that `build` makes, once for equal settings; 0 on "meta"."""
    if torch.get_default_device().type == "meta":
        return 0
    return _bytes_of(build, config, width, torch.get_default_dtype())


fitting = partial(capacity.fitting, count=count_bytes)


def bytes_when_built(make: Callable[[], nn.Module]) -> int:
    """Bytes of the parameters and buffers of a module, which is not drawn; 0 if unknown."""

    def outlined() -> int:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            return module_bytes(make())

    return capacity.counted(outlined, ("overflow", "too big"))


def module_bytes(module: nn.Module) -> int:
    """Bytes of the parameters and buffers of a module."""
    return sum(map(_tensor_bytes, (*module.parameters(), *module.buffers())))


def require_states(row: Any, batch_size: int) -> None:
    """Raise MemoryError if `batch_size` states, each as large as `row`, cannot fit this machine."""
    tensors = [leaf for leaf in tree_leaves(row) if isinstance(leaf, torch.Tensor)]
    needed = sum(_tensor_bytes(leaf) for leaf in tensors if leaf.device.type == "cpu")
    require_memory(batch_size * needed, f"a state of batch_size={batch_size}")


@lru_cache(maxsize=64)
def _bytes_of(
    build: Callable[[Any, int], nn.Module], config: Any, width: int, dtype: torch.dtype
) -> int:
    return bytes_when_built(lambda: build(config, width))


def _tensor_bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()
