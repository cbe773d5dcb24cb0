"""Tensors and files of models in JAX."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def save(model: Any, path: Path) -> None:
    """Write the framework's own file of a model."""
    import lcde_jax

    lcde_jax.save(model, path)


def tensors(model: Any) -> dict[str, np.ndarray]:
    """Tensors of a model by name, statistics included."""
    import jax
    import numpy as np

    from lcde_jax.train.optimiser import tensor_names

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(_numbers(model)[0])]
    return dict(zip(tensor_names(model), leaves, strict=True))


def with_tensors(model: Any, held: Mapping[str, np.ndarray]) -> Any:
    """Copy a model, with other tensors in their places by name."""
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from lcde_jax.train.optimiser import tensor_names

    numbers, rest = _numbers(model)
    leaves = [jnp.asarray(held[name]) for name in tensor_names(model)]
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(numbers), leaves), rest)


def _numbers(model: Any) -> tuple[Any, Any]:
    """Parameters and statistics of a model, and the rest of it."""
    import equinox as eqx

    return eqx.partition(model, eqx.is_inexact_array)
