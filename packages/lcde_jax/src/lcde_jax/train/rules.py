"""Directions of an update by each rule; `seqtheory.training.Training` states the equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import optax

from seqtheory.training._optimiser import (
    NEWTON_SCHULZ,
    NEWTON_SCHULZ_STEPS,
    SMALLEST_NORM,
    Rule,
    shape_factor,
)

if TYPE_CHECKING:
    from jaxtyping import Array, Float, PyTree


class Averages(NamedTuple):
    """State of Muon: the running average of each gradient."""

    average: PyTree


def transformation(rule: Rule, share: float) -> optax.GradientTransformation:
    """Direction of the update, before rate and decay, of the tensors that a rule moves."""
    match rule:
        case "adamw":
            return optax.GradientTransformation(optax.scale_by_adam().init, _adam)
        case "momentum":
            return optax.trace(share)
        case "muon":
            return muon(share)
        case "sgd":
            return optax.identity()


def _adam(updates: PyTree, state: Any, params: PyTree = None) -> tuple[PyTree, Any]:
    """Direction and next moments; the count is a floating number where optax takes powers by it."""
    del params
    count = jnp.asarray(state.count)
    floating = state._replace(count=count.astype(float))
    direction, following = optax.scale_by_adam().update(updates, floating)
    then = cast("optax.ScaleByAdamState", following)
    return direction, then._replace(count=jnp.asarray(then.count).astype(count.dtype))


def muon(share: float) -> optax.GradientTransformation:
    """Nearly orthogonal factor of each matrix's averaged gradient, times its shape's factor.

    `optax.contrib.muon` divides the average and the newest gradient by sums of weights of different
    length, so that its first steps differ from those of the published code and of torch, which
    these are.
    """

    def init(params: PyTree) -> Averages:
        return Averages(jax.tree.map(jnp.zeros_like, params))

    def update(updates: PyTree, state: Any, params: PyTree = None) -> tuple[PyTree, Averages]:
        del params

        def mixed(older: Array, newer: Array) -> Array:
            return share * older + (1 - share) * newer

        average = jax.tree.map(mixed, state.average, updates)
        direction = jax.tree.map(mixed, average, updates)
        return jax.tree.map(_scaled_factor, direction), Averages(average)

    return optax.GradientTransformation(init, update)


def _scaled_factor(matrix: Float[Array, "row column"]) -> Array:
    return shape_factor(*matrix.shape) * orthogonal_factor(matrix)


def orthogonal_factor(matrix: Float[Array, "row column"]) -> Array:
    """Set the singular values of a matrix to about 1, keeping their vectors."""
    a, b, c = NEWTON_SCHULZ
    wide = matrix.shape[0] <= matrix.shape[1]
    x = matrix if wide else matrix.T
    x = x / jnp.maximum(jnp.linalg.norm(x), SMALLEST_NORM)
    for _ in range(NEWTON_SCHULZ_STEPS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x if wide else x.T
