"""Many optimiser steps in one compiled call, on data that stay on the device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from . import optimiser
from .objective import row_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

    from .objective import Loss


class Carry(NamedTuple):
    """State of a training between two steps."""

    parameters: PyTree
    moments: optimiser.Moments
    alive: Bool[Array, ""]  # False once a loss or gradient was not finite: nothing moves any more


class Batch(NamedTuple):
    """Rows of a data set, or all of them, on the device."""

    inputs: Array
    targets: Array
    mask: Array | None  # which inputs exist
    counted: Array | None  # which targets count


class Steps(NamedTuple):
    """Rows, rate factor, random key and counted positions of each step, along the first axis."""

    rows: Int[Array, "step row"]
    auxiliary_rows: Int[Array, "step row"] | None
    factors: Float[Array, " step"]
    keys: PRNGKeyArray
    positions: Int[Array, " step"] | None = None  # None: every target of the batch counts


class Seen(NamedTuple):
    """Loss, gradient norms and success of each step, stacked along the first axis."""

    loss: Float[Array, " step"]
    norm: Float[Array, " step"]
    squares: Float[Array, "step tensor"]
    alive: Bool[Array, " step"]  # False from the first failure on


@dataclass(frozen=True)
class Frame:
    """Everything that is constant during a training; a block is compiled for it."""

    model: PyTree  # without its parameters
    rates: tuple[optimiser.Rates, ...]
    loss: Loss
    clip: float | None
    auxiliary: Literal["summed", "separate"]
    precision: Literal["float32", "bfloat16"]
    statistics: tuple[bool, ...]  # which parameters the forward pass moves, and no gradient


@partial(jax.jit, static_argnames="frame", donate_argnames="carry")
def advance(
    carry: Carry, train: Batch, auxiliary: Batch | None, steps: Steps, frame: Frame
) -> tuple[Carry, Seen]:
    """Take the steps of one block."""

    def take(carry: Carry, step: Steps) -> tuple[Carry, Seen]:
        first, second = jax.random.split(step.keys)
        shown = _first(_batch(train, step.rows), step.positions)
        loss = partial(_loss, batch=shown, key=first, frame=frame)
        if auxiliary is None:
            return _update(carry, loss, step.factors, frame)
        batch = _batch(auxiliary, step.auxiliary_rows)
        extra = partial(_loss, batch=batch, key=second, frame=frame)
        if frame.auxiliary == "summed":
            return _update(carry, loss, step.factors, frame, extra)
        carry, seen = _update(carry, loss, step.factors, frame)
        carry, later = _update(carry, extra, step.factors, frame)
        # Report the first update, unless it succeeded and the second one failed.
        failed = seen.alive & ~later.alive
        return carry, jax.tree.map(lambda a, b: jnp.where(failed, b, a), seen, later)

    return jax.lax.scan(take, carry, steps)


def _batch(data: Batch, rows: Int[Array, " row"] | None) -> Batch:
    return jax.tree.map(lambda array: array[rows], data)


def _first(batch: Batch, positions: Int[Array, ""] | None) -> Batch:
    """Batch of whose words the first positions count."""
    if positions is None:
        return batch
    shape = batch.targets.shape[:2]
    counted = jnp.broadcast_to(jnp.arange(shape[1], dtype=positions.dtype) < positions, shape)
    return batch._replace(counted=counted if batch.counted is None else batch.counted & counted)


def _loss(
    parameters: PyTree, *, batch: Batch, key: PRNGKeyArray, frame: Frame
) -> tuple[Float[Array, ""], PyTree]:
    """Mean over the batch, and the parameters with the running statistics that it moved."""
    cast = parameters
    if frame.precision == "bfloat16":
        cast = jax.tree.map(lambda p: p.astype(jnp.bfloat16), parameters)
    model = eqx.combine(cast, frame.model)
    if any(frame.statistics):
        outputs, model = model.train_call(batch.inputs, batch.mask, key=key)
        moved = eqx.filter(model, eqx.is_inexact_array)
        parameters = _with_statistics(parameters, moved, frame)
    else:
        outputs = model(batch.inputs, batch.mask, key=key)
    if frame.precision == "bfloat16":
        outputs = outputs.astype(jnp.float32)
    sums, counts = row_losses(frame.loss, outputs, batch.targets, batch.counted)
    return sums.sum() / counts.sum(), parameters


def _with_statistics(parameters: PyTree, moved: PyTree, frame: Frame) -> PyTree:
    """Replace the running statistics alone."""
    leaves, structure = jax.tree.flatten(parameters)
    pairs = zip(leaves, jax.tree.leaves(moved), frame.statistics, strict=True)
    return jax.tree.unflatten(structure, [b.astype(a.dtype) if s else a for a, b, s in pairs])


def _update(
    carry: Carry,
    loss: Callable[[PyTree], tuple[Array, PyTree]],
    factor: Array,
    frame: Frame,
    extra: Callable[[PyTree], tuple[Array, PyTree]] | None = None,
) -> tuple[Carry, Seen]:
    """Make one update from `loss` plus `extra`, and report the value of `loss` alone."""

    def total(parameters: PyTree) -> tuple[Array, tuple[Array, PyTree]]:
        value, moved = loss(parameters)
        if extra is None:
            return value, (value, moved)
        added, moved = extra(moved)
        return value + added, (value, moved)

    gradient, (value, moved) = jax.grad(total, has_aux=True)(carry.parameters)
    norms = optimiser.gradient_norms(gradient)
    alive = carry.alive & jnp.isfinite(value) & jnp.isfinite(norms.total)
    old = (carry.parameters, carry.moments)
    new, moments = optimiser.update(*old, gradient, norms.total, factor, frame.rates, frame.clip)
    new = (_with_statistics(new, moved, frame), moments)
    parameters, moments = jax.tree.map(lambda a, b: jnp.where(alive, a, b), new, old)
    return Carry(parameters, moments, alive), Seen(value, norms.total, norms.squares, alive)
