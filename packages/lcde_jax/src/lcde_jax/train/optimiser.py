"""The update that a training names, with rates that follow from properties of the tensors."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.training._optimiser import Rule, matrix_rate, momentum_of

from ..cde import LinearCDE
from . import rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Array, Float, PyTree

    from seqtheory.training import Training

Moments = dict[Rule, Any]


@dataclasses.dataclass(frozen=True)
class Rates:
    """Learning rate, decay and rule of one tensor; `share` is the momentum's."""

    learning_rate: float
    decay: float
    rule: Rule = "adamw"
    share: float = 0.0


class Norms(NamedTuple):
    """Norm of a whole gradient, and the squared one of each tensor."""

    total: Float[Array, ""]
    squares: Float[Array, " tensor"]


def tensor_names(model: PyTree) -> list[str]:
    """Names of a model's parameters, such as ``cde.A``, in the order of their leaves."""
    parameters = eqx.filter(model, eqx.is_inexact_array)
    leaves = jax.tree_util.tree_leaves_with_path(parameters)
    return [_name(path) for path, _ in leaves]


def _name(path: Any) -> str:
    return jax.tree_util.keystr(path, simple=True, separator=".")


def tensor_rates(model: PyTree, training: Training) -> tuple[Rates, ...]:
    """Rate, decay and rule of each parameter, from what the tensor is.

    The matrices of a recurrence (fields with ``metadata={"state": True}``, and `LinearCDE.A`)
    take `state_learning_rate` and no decay. Vectors and scalars do not decay; all others do. Muon
    moves the other tensors of two axes below the model's `layers`, but for biases, which are named
    so; AdamW then moves the rest.

    Raises
    ------
    ValueError
        If Muon finds no matrix to move.
    """
    parameters = eqx.filter(model, eqx.is_inexact_array)
    leaves = jax.tree_util.tree_leaves_with_path(parameters)
    found = tuple(_rates(model, path, leaf, training) for path, leaf in leaves)
    if training.optimiser == "muon" and not any(rates.rule == "muon" for rates in found):
        raise ValueError(
            f"optimiser='muon' moves the matrices below a field `layers` of the model, and "
            f"{type(model).__name__} has none. Use optimiser='adamw', or hold the hidden layers "
            "in a field of that name."
        )
    return found


def _rates(model: PyTree, path: Sequence[Any], leaf: Array, training: Training) -> Rates:
    """Rate, decay and rule of one parameter."""
    rule: Rule = "adamw" if training.optimiser == "muon" else training.optimiser
    share, rate = momentum_of(training), training.learning_rate
    if _marked(model, path, "state"):
        return Rates(training.state_learning_rate or rate, 0.0, rule, share)
    name = _name(path)
    hidden = name.startswith("layers.") and not name.endswith("bias")
    if training.optimiser == "muon" and hidden and leaf.ndim == 2 and not jnp.iscomplexobj(leaf):
        return Rates(*matrix_rate(training), "muon", share)
    return Rates(rate, training.weight_decay if leaf.ndim > 1 else 0.0, rule, share)


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


def initial_moments(parameters: PyTree, rates: tuple[Rates, ...] | None = None) -> Moments:
    """Moments before the first update, by rule; by AdamW for all if no rates are given."""
    rates = rates or (Rates(0.0, 0.0),) * len(jax.tree.leaves(parameters))
    shares = {rate.rule: rate.share for rate in rates}
    moved = _by_rule(parameters, rates)
    return {rule: rules.transformation(rule, shares[rule]).init(moved[rule]) for rule in moved}


def _by_rule(tree: PyTree, rates: tuple[Rates, ...]) -> dict[Rule, dict[str, Array]]:
    """Leaves by rule and name."""
    moved: dict[Rule, dict[str, Array]] = {}
    for (path, leaf), rate in zip(jax.tree_util.tree_leaves_with_path(tree), rates, strict=True):
        moved.setdefault(rate.rule, {})[_name(path)] = leaf
    return moved


def _directions(
    gradient: PyTree, moments: Moments, rates: tuple[Rates, ...]
) -> tuple[list[Array], Moments]:
    """Direction of each leaf, in the order of the leaves, and the next moments."""
    shares = {rate.rule: rate.share for rate in rates}
    found: dict[str, Any] = {}
    following: Moments = {}
    for rule, parts in _by_rule(gradient, rates).items():
        turn = rules.transformation(rule, shares[rule])
        directions, following[rule] = turn.update(parts, moments[rule])
        found.update(cast("dict[str, Any]", directions))
    paths = jax.tree_util.tree_leaves_with_path(gradient)
    return [found[_name(path)] for path, _ in paths], following


def gradient_norms(gradient: PyTree) -> Norms:
    """Euclidean norms."""
    squares = jnp.stack([jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(gradient)])
    return Norms(jnp.sqrt(squares.sum()), squares)


def update(
    parameters: PyTree,
    moments: Moments,
    gradient: PyTree,
    norm: Float[Array, ""],
    factor: Float[Array, ""],
    rates: tuple[Rates, ...],
    clip: float | None,
) -> tuple[PyTree, Moments]:
    r"""One update, :math:`p \leftarrow p - f \eta_p (u + d_p p)`.

    The gradient is first scaled down to the norm `clip`. `seqtheory.training.Training` states how
    each rule makes u of it. The decay is decoupled.
    """
    if clip is not None:
        scale = jnp.where(norm > clip, clip / norm, 1.0)
        gradient = jax.tree.map(lambda g: g * scale, gradient)
    directions, moments = _directions(gradient, moments, rates)
    leaves, structure = jax.tree.flatten(parameters)
    moved = [
        p - (factor * rate.learning_rate).astype(p.dtype) * (d + rate.decay * p)
        for p, d, rate in zip(leaves, directions, rates, strict=True)
    ]
    return jax.tree.unflatten(structure, moved), moments
