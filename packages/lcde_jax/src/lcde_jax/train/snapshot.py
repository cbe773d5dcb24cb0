"""The state of a training as named NumPy arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from .blocks import Carry

if TYPE_CHECKING:
    from collections.abc import Sequence


def pack(names: Sequence[str], carry: Carry) -> dict[str, np.ndarray]:
    """Copy the parameters and their moments; the originals will be donated."""
    leaves = _leaves(names, carry)
    return {name: np.array(leaf, copy=True) for name, leaf in leaves.items()}


def unpack(names: Sequence[str], like: Carry, tensors: dict[str, np.ndarray]) -> Carry:
    """Inverse of `pack`; raises unless names, shapes and dtypes are those of `like`."""
    expected = _leaves(names, like)
    if missing := expected.keys() - tensors.keys():
        raise ValueError(f"the snapshot lacks {min(missing)!r}; it is of another model.")
    if extra := tensors.keys() - expected.keys():
        raise ValueError(f"the snapshot holds {min(extra)!r}, which this model has not.")
    for name, leaf in expected.items():
        got = tensors[name]
        if got.shape != leaf.shape or got.dtype != leaf.dtype:
            raise ValueError(
                f"{name} of the snapshot has shape {got.shape} and dtype {got.dtype}, expected "
                f"{leaf.shape} and {leaf.dtype}; it is of another model."
            )
    structure = jax.tree.structure((like.parameters, like.moments))
    leaves = [jnp.array(tensors[name], copy=True) for name in expected]
    parameters, moments = jax.tree.unflatten(structure, leaves)
    return Carry(parameters, moments, jnp.asarray(True))


def _leaves(names: Sequence[str], carry: Carry) -> dict[str, jax.Array]:
    parameters = {
        f"model.{name}": leaf
        for name, leaf in zip(names, jax.tree.leaves(carry.parameters), strict=True)
    }
    moments = {
        "optimiser." + jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(carry.moments)
    }
    return parameters | moments
