"""The state of a training as named NumPy arrays, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from .blocks import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from seqtheory.training import Snapshot


def pack(names: Sequence[str], progress: Progress) -> dict[str, np.ndarray]:
    """Copies of the parameters and of their moments; copies, since the originals are donated."""
    leaves = _leaves(names, progress)
    return {name: np.array(leaf, copy=True) for name, leaf in leaves.items()}


def unpack(names: Sequence[str], like: Progress, tensors: dict[str, np.ndarray]) -> Progress:
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
    return Progress(*jax.tree.unflatten(structure, leaves), jnp.asarray(True))


def checked_state(snapshot: Snapshot, origin: dict[str, Any], num_steps: int) -> dict[str, Any]:
    """State of a snapshot; raises unless it is of a fit with this origin."""
    if not 0 <= snapshot.step <= num_steps:
        raise ValueError(f"the snapshot is of step {snapshot.step}, expected 0..{num_steps}.")
    for name, value in origin.items():
        if snapshot.state.get(name) != value:
            raise ValueError(
                f"the snapshot was taken with {name}={snapshot.state.get(name)!r}, and this fit "
                f"has {name}={value!r}; resume with what it was started with."
            )
    return snapshot.state


def _leaves(names: Sequence[str], progress: Progress) -> dict[str, jax.Array]:
    parameters = {
        f"model.{name}": leaf
        for name, leaf in zip(names, jax.tree.leaves(progress.parameters), strict=True)
    }
    moments = {
        "optimiser." + jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(progress.moments)
    }
    return parameters | moments
