"""Losses of a batch, row by row, over the targets that count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Shaped

Loss = Literal["squared_error", "cross_entropy"]


def row_losses(
    loss: Loss,
    outputs: Float[Array, "batch ..."],
    targets: Shaped[Array, "batch ..."],
    counted: Bool[Array, "batch time"] | None,
) -> tuple[Float[Array, " batch"], Float[Array, " batch"]]:
    r"""Sum the losses of each row, and count them.

    .. math:: -\log \mathrm{softmax}(s)_{y} \quad\text{or}\quad (\hat y - y)^2

    Parameters
    ----------
    loss
        Which one; outputs are scores of classes for ``"cross_entropy"``.
    outputs, targets
        Of shapes that `check_shapes` admits.
    counted
        True where a target counts, as `Dataset.counted`; None where all do.
    """
    if loss == "cross_entropy":
        scores = jax.nn.log_softmax(outputs, axis=-1)
        picked = jnp.take_along_axis(scores, targets[..., None].astype(jnp.int32), axis=-1)
        terms = -picked[..., 0]
    else:
        terms = (outputs.reshape(targets.shape) - targets.astype(outputs.dtype)) ** 2
    counts = _spread(terms, counted)
    axes = tuple(range(1, terms.ndim))
    return jnp.where(counts, terms, 0).sum(axis=axes), counts.sum(axis=axes).astype(terms.dtype)


def _spread(terms: Array, counted: Array | None) -> Bool[Array, "batch ..."]:
    if counted is None:
        return jnp.ones(terms.shape, bool)
    return jnp.broadcast_to(counted.reshape(counted.shape + (1,) * (terms.ndim - 2)), terms.shape)


def check_shapes(
    loss: Loss, outputs: tuple[int, ...], targets: tuple[int, ...], largest: int
) -> None:
    """Raise unless a model's outputs can be compared with such targets."""
    if loss == "cross_entropy":
        if len(outputs) != len(targets) + 1 or outputs[:-1] != targets:
            raise ValueError(
                f"the model's outputs have shape {outputs} for targets of shape {targets}, "
                f"expected {targets} and then the classes."
            )
        if largest >= outputs[-1]:
            raise ValueError(
                f"the targets hold the class {largest}, but the model scores {outputs[-1]} "
                f"classes (0..{outputs[-1] - 1}); build it with more."
            )
    elif outputs not in (targets, (*targets, 1)):
        raise ValueError(
            f"the model's outputs have shape {outputs} for targets of shape {targets}, expected "
            "that shape, or that shape and one more axis of length 1."
        )
