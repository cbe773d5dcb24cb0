"""Refusal of modules that do not fit this machine, before any memory is taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from seqtheory.checks import require_memory

Build = TypeVar("Build", bound=Callable[..., nn.Module])

_UNCOUNTABLE = 2**63  # what torch cannot count the bytes of


def fitting(build: Build) -> Build:
    """Make the method ``build(width)`` of settings raise MemoryError where its module cannot fit.

    Notes
    -----
    The module is built on the meta device, where nothing is stored, once for equal settings; its
    parameters and buffers are counted. What cannot be built there is left to the build itself.
    """

    @wraps(build)
    def checked(config: Any, width: int) -> nn.Module:
        if torch.get_default_device().type != "meta":
            what = f"{config} with width={width}"
            try:
                needed = _bytes_of(build, config, width, torch.get_default_dtype())
            except MemoryError as error:  # of what its parameters are made from
                raise MemoryError(f"{what} cannot be built: {error}") from None
            require_memory(needed, what)
        return build(config, width)

    return cast("Build", checked)


def bytes_when_built(make: Callable[[], nn.Module]) -> int:
    """Bytes of the parameters and buffers of a module, which is not drawn; 0 if unknown."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            module = make()
    except MemoryError:
        raise
    except Exception as error:  # what else is wrong with the settings, the build itself says
        told = str(error).lower()
        return _UNCOUNTABLE if "overflow" in told or "too big" in told else 0
    return module_bytes(module)


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
