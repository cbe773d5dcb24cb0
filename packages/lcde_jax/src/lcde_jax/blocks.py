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

    import optax
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

    from .objective import Loss


class Carry(NamedTuple):
    """What one step hands to the next."""

    parameters: PyTree
    moments: optax.OptState
    alive: Bool[Array, ""]  # False once a loss or gradient was not finite: nothing moves any more


class Batch(NamedTuple):
    """Rows of a data set, or all of them, on the device."""

    inputs: Array
    targets: Array
    mask: Array | None


class Steps(NamedTuple):
    """What differs from step to step, stacked along the first axis."""

    rows: Int[Array, "step row"]
    auxiliary_rows: Int[Array, "step row"] | None
    factors: Float[Array, " step"]
    keys: PRNGKeyArray


class Seen(NamedTuple):
    """What each step reports."""

    loss: Float[Array, " step"]
    norm: Float[Array, " step"]
    squares: Float[Array, "step tensor"]
    alive: Bool[Array, " step"]  # False from the first failure on


@dataclass(frozen=True)
class Frame:
    """What is known when a block is compiled."""

    model: PyTree  # without its parameters
    rates: tuple[optimiser.Rates, ...]
    loss: Loss
    clip: float | None
    auxiliary: Literal["summed", "separate"]
    precision: Literal["float32", "bfloat16"]


@partial(jax.jit, static_argnames="frame", donate_argnames="carry")
def advance(
    carry: Carry, train: Batch, auxiliary: Batch | None, steps: Steps, frame: Frame
) -> tuple[Carry, Seen]:
    """Take the steps of one block."""

    def take(carry: Carry, step: Steps) -> tuple[Carry, Seen]:
        first, second = jax.random.split(step.keys)
        loss = partial(_loss, batch=_batch(train, step.rows), key=first, frame=frame)
        if auxiliary is None:
            return _update(carry, loss, step.factors, frame)
        batch = _batch(auxiliary, step.auxiliary_rows)
        extra = partial(_loss, batch=batch, key=second, frame=frame)
        if frame.auxiliary == "summed":
            return _update(carry, loss, step.factors, frame, extra)
        carry, seen = _update(carry, loss, step.factors, frame)
        carry, later = _update(carry, extra, step.factors, frame)
        # Of the second update only a failure is told, and only if it is the first one.
        failed = seen.alive & ~later.alive
        return carry, jax.tree.map(lambda a, b: jnp.where(failed, b, a), seen, later)

    return jax.lax.scan(take, carry, steps)


def _batch(data: Batch, rows: Int[Array, " row"] | None) -> Batch:
    return jax.tree.map(lambda array: array[rows], data)


def _loss(parameters: PyTree, *, batch: Batch, key: PRNGKeyArray, frame: Frame) -> Float[Array, ""]:
    """Mean over the batch."""
    if frame.precision == "bfloat16":
        parameters = jax.tree.map(lambda p: p.astype(jnp.bfloat16), parameters)
    outputs = eqx.combine(parameters, frame.model)(batch.inputs, batch.mask, key=key)
    if frame.precision == "bfloat16":
        outputs = outputs.astype(jnp.float32)
    sums, counts = row_losses(frame.loss, outputs, batch.targets, batch.mask)
    return sums.sum() / counts.sum()


def _update(
    carry: Carry,
    loss: Callable[[PyTree], Array],
    factor: Array,
    frame: Frame,
    extra: Callable[[PyTree], Array] | None = None,
) -> tuple[Carry, Seen]:
    """One update from the sum of the losses; the first one alone is told."""

    def total(parameters: PyTree) -> tuple[Array, Array]:
        value = loss(parameters)
        return (value if extra is None else value + extra(parameters)), value

    gradient, value = jax.grad(total, has_aux=True)(carry.parameters)
    norms = optimiser.gradient_norms(gradient)
    alive = carry.alive & jnp.isfinite(value) & jnp.isfinite(norms.total)
    old = (carry.parameters, carry.moments)
    new = optimiser.update(*old, gradient, norms.total, factor, frame.rates, frame.clip)
    parameters, moments = jax.tree.map(lambda a, b: jnp.where(alive, a, b), new, old)
    return Carry(parameters, moments, alive), Seen(value, norms.total, norms.squares, alive)
