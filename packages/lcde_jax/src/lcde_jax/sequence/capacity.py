"""Bytes of a JAX module, counted from its settings before any memory is taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from math import prod
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from seqtheory.settings import capacity

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import PRNGKeyArray, PyTree

_REFUSALS = ("overflow", "too large", "out of bounds", "exceed", "too big")


def count_bytes(
    build: Callable[..., Any], config: Any, width: int, *, dtype: DTypeLike, key: PRNGKeyArray
) -> int:
    """Bytes of the module that `build` makes, traced once for equal settings; 0 while tracing."""
    return 0 if isinstance(key, Tracer) else _bytes_of(build, config, width, jnp.dtype(dtype))


fitting = partial(capacity.fitting, count=count_bytes)


def bytes_when_built(make: Callable[[PRNGKeyArray], PyTree]) -> int:
    """Bytes of the arrays of what is made from a key, which is not drawn; 0 if unknown."""

    def traced() -> int:
        with warnings.catch_warnings(action="ignore"):  # indices beyond 32 bits
            return tree_bytes(eqx.filter_eval_shape(make, jax.random.key(0)))

    return capacity.counted(traced, _REFUSALS)


def tree_bytes(tree: PyTree) -> int:
    """Bytes of all arrays, or shapes of arrays, in a tree."""
    leaves = (leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype"))
    return sum(prod(leaf.shape) * jnp.dtype(leaf.dtype).itemsize for leaf in leaves)


@lru_cache(maxsize=64)
def _bytes_of(build: Callable[..., Any], config: Any, width: int, dtype: jnp.dtype) -> int:
    return bytes_when_built(lambda key: build(config, width, dtype=dtype, key=key))
