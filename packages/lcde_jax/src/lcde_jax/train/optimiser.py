"""AdamW with a rate of their own, and no decay, for the parameters of a recurrence."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import optax

from ..cde import LinearCDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Array, Float, PyTree

    from seqtheory.training import Training


@dataclasses.dataclass(frozen=True)
class Rates:
    """Learning rate and decay of one tensor."""

    learning_rate: float
    decay: float


class Norms(NamedTuple):
    """Norm of a whole gradient, and the squared one of each tensor."""

    total: Float[Array, ""]
    squares: Float[Array, " tensor"]


def tensor_names(model: PyTree) -> list[str]:
    """Names of a model's parameters, such as ``cde.A``, in the order of their leaves."""
    parameters = eqx.filter(model, eqx.is_inexact_array)
    leaves = jax.tree_util.tree_leaves_with_path(parameters)
    return [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in leaves]


def tensor_rates(model: PyTree, training: Training) -> tuple[Rates, ...]:
    """Rate and decay of each parameter, from what the tensor is.

    The matrices of a recurrence (fields with ``metadata={"state": True}``, and `LinearCDE.A`)
    take `state_learning_rate` and no decay. Vectors and scalars do not decay; all others do.
    """
    own = training.state_learning_rate or training.learning_rate
    parameters = eqx.filter(model, eqx.is_inexact_array)
    rates = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(parameters):
        if _marked(model, path, "state"):
            rates.append(Rates(own, 0.0))
        else:
            decay = training.weight_decay if leaf.ndim > 1 else 0.0
            rates.append(Rates(training.learning_rate, decay))
    return tuple(rates)


def statistics(model: PyTree) -> tuple[bool, ...]:
    """Whether each parameter is a running statistic, which no gradient moves.

    Such fields have ``metadata={"statistic": True}``.
    """
    leaves = jax.tree_util.tree_leaves_with_path(eqx.filter(model, eqx.is_inexact_array))
    return tuple(_marked(model, path, "statistic") for path, _ in leaves)


def _marked(model: PyTree, path: Sequence[Any], mark: str) -> bool:
    node = model
    for entry in path:
        if not isinstance(entry, jax.tree_util.GetAttrKey):
            node = node[entry.idx if hasattr(entry, "idx") else entry.key]
            continue
        fields = dataclasses.fields(node) if dataclasses.is_dataclass(node) else ()
        marked = {field.name for field in fields if field.metadata.get(mark)}
        if entry.name in marked:
            return True
        if mark == "state" and isinstance(node, LinearCDE) and entry.name == "A":
            return True
        node = getattr(node, entry.name)
    return False


def initial_moments(parameters: PyTree) -> optax.OptState:
    """Moments before the first update."""
    return optax.scale_by_adam().init(parameters)


def gradient_norms(gradient: PyTree) -> Norms:
    """Euclidean norms."""
    squares = jnp.stack([jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)])
    return Norms(jnp.sqrt(squares.sum()), squares)


def _adam(
    gradient: PyTree, moments: optax.ScaleByAdamState
) -> tuple[PyTree, optax.ScaleByAdamState]:
    """Direction and next moments; the count is a floating number where optax takes powers by it."""
    count = jnp.asarray(moments.count)
    floating = moments._replace(count=count.astype(float))
    direction, following = optax.scale_by_adam().update(gradient, floating)
    then = cast("optax.ScaleByAdamState", following)
    return direction, then._replace(count=jnp.asarray(then.count).astype(count.dtype))


def update(
    parameters: PyTree,
    moments: optax.OptState,
    gradient: PyTree,
    norm: Float[Array, ""],
    factor: Float[Array, ""],
    rates: tuple[Rates, ...],
    clip: float | None,
) -> tuple[PyTree, optax.OptState]:
    r"""One update, :math:`p \leftarrow p - f \eta_p (\mathrm{Adam}(g) + \lambda_p p)`.

    The gradient is first scaled down to the norm `clip`. The decay is decoupled.
    """
    if clip is not None:
        scale = jnp.where(norm > clip, clip / norm, 1.0)
        gradient = jax.tree.map(lambda g: g * scale, gradient)
    direction, moments = _adam(gradient, cast("optax.ScaleByAdamState", moments))
    leaves, structure = jax.tree.flatten(parameters)
    moved = [
        p - (factor * rate.learning_rate).astype(p.dtype) * (d + rate.decay * p)
        for p, d, rate in zip(leaves, jax.tree.leaves(direction), rates, strict=True)
    ]
    return jax.tree.unflatten(structure, moved), moments
