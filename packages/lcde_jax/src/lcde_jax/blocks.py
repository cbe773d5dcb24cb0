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
    import optax
    from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

    from .objective import Loss


class Progress(NamedTuple):
    """What one step hands to the next."""

    parameters: PyTree
    moments: optax.OptState
    alive: Bool[Array, ""]  # False once a loss or gradient was not finite: nothing moves any more


class Rows(NamedTuple):
    """A data set on the device."""

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
    alive: Bool[Array, " step"]


@dataclass(frozen=True)
class Frame:
    """What is known when a block is compiled."""

    model: PyTree  # without its parameters
    rates: tuple[optimiser.Rates, ...]
    loss: Loss
    clip: float | None
    auxiliary: Literal["summed", "separate"]
    precision: Literal["float32", "bfloat16"]


@partial(jax.jit, static_argnames="frame", donate_argnames="progress")
def advance(
    progress: Progress, train: Rows, auxiliary: Rows | None, steps: Steps, frame: Frame
) -> tuple[Progress, Seen]:
    """Take the steps of one block."""

    def take(progress: Progress, step: Steps) -> tuple[Progress, Seen]:
        first, second = jax.random.split(step.keys)
        batch = _batch(train, step.rows)
        if auxiliary is None:
            return _update(progress, lambda p: _loss(p, batch, first, frame), step.factors, frame)
        extra = _batch(auxiliary, step.auxiliary_rows)
        if frame.auxiliary == "separate":
            progress, seen = _update(
                progress, lambda p: _loss(p, batch, first, frame), step.factors, frame
            )
            progress, later = _update(
                progress, lambda p: _loss(p, extra, second, frame), step.factors, frame
            )
            failed = ~jnp.isfinite(later.norm) & seen.alive  # then the second update says why
            told = jax.tree.map(lambda a, b: jnp.where(failed, b, a), seen, later)
            return progress, told._replace(alive=later.alive)

        def both(parameters: PyTree) -> tuple[Array, Array]:
            loss, _ = _loss(parameters, batch, first, frame)
            return loss + _loss(parameters, extra, second, frame)[0], loss

        return _update(progress, both, step.factors, frame)

    return jax.lax.scan(take, progress, steps)


def _batch(data: Rows, rows: Int[Array, " row"] | None) -> Rows:
    return jax.tree.map(lambda array: array[rows], data)


def _loss(parameters: PyTree, batch: Rows, key: PRNGKeyArray, frame: Frame) -> tuple[Array, Array]:
    """Mean loss of a batch, twice: to differentiate, and to report."""
    if frame.precision == "bfloat16":
        parameters = jax.tree.map(lambda p: p.astype(jnp.bfloat16), parameters)
    model = eqx.combine(parameters, frame.model)
    outputs = model(batch.inputs, batch.mask, key=key)
    if frame.precision == "bfloat16":
        outputs = outputs.astype(jnp.float32)
    sums, counts = row_losses(frame.loss, outputs, batch.targets, batch.mask)
    mean = sums.sum() / counts.sum()
    return mean, mean


def _update(progress: Progress, loss, factor: Array, frame: Frame) -> tuple[Progress, Seen]:
    gradient, value = jax.grad(loss, has_aux=True)(progress.parameters)
    norms = optimiser.gradient_norms(gradient)
    alive = progress.alive & jnp.isfinite(value) & jnp.isfinite(norms.total)
    old = progress[:2]
    new = optimiser.update(*old, gradient, norms.total, factor, frame.rates, frame.clip)
    kept = jax.tree.map(lambda after, before: jnp.where(alive, after, before), new, old)
    return Progress(*kept, alive), Seen(value, norms.total, norms.squares, alive)
