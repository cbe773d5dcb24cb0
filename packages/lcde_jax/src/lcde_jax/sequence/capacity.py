"""Modules that do not fit this machine, refused by their settings before any memory is taken."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache, wraps
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer

from seqtheory.checks import require_memory

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import PRNGKeyArray, PyTree

Build = TypeVar("Build", bound=Callable[..., Any])

_UNCOUNTABLE = 2**63  # what JAX cannot count the bytes of
_TOLD = ("overflow", "too large", "out of bounds", "exceed", "too big")


def fitting(build: Build) -> Build:
    """Make the method ``build(width)`` of settings raise MemoryError where its module cannot fit.

    Notes
    -----
    The shapes of the module are traced, once for equal settings, and their bytes counted. What
    cannot be traced is left to the build itself.
    """

    @wraps(build)
    def checked(config: Any, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> Any:
        if not isinstance(key, Tracer):
            what = f"{config} with width={width}"
            try:
                needed = _bytes_of(build, config, width, jnp.dtype(dtype))
            except MemoryError as error:  # of what its parameters are made from
                raise MemoryError(f"{what} cannot be built: {error}") from None
            require_memory(needed, what)
        return build(config, width, dtype=dtype, key=key)

    return cast("Build", checked)


def bytes_when_built(make: Callable[[PRNGKeyArray], PyTree]) -> int:
    """Bytes of the arrays of what is made from a key, which is not drawn; 0 if unknown."""
    try:
        with warnings.catch_warnings(action="ignore"):  # indices beyond 32 bits
            made = eqx.filter_eval_shape(make, jax.random.key(0))
    except MemoryError:
        raise
    except Exception as error:  # what else is wrong with the settings, the build itself says
        return _UNCOUNTABLE if any(word in str(error).lower() for word in _TOLD) else 0
    return tree_bytes(made)


def tree_bytes(tree: PyTree) -> int:
    """Bytes of all arrays, or shapes of arrays, in a tree."""
    leaves = (leaf for leaf in jax.tree.leaves(tree) if hasattr(leaf, "dtype"))
    return sum(prod(leaf.shape) * jnp.dtype(leaf.dtype).itemsize for leaf in leaves)


@lru_cache(maxsize=64)
def _bytes_of(build: Callable[..., Any], config: Any, width: int, dtype: jnp.dtype) -> int:
    return bytes_when_built(lambda key: build(config, width, dtype=dtype, key=key))
