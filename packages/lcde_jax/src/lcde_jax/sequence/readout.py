"""How a sequence leaves a model: at every position, as a mean over time, or at its last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqtheory._sequences import has_hole, hides_all
from seqtheory.settings import LastOutput, MeanOutput, Output, StepOutput

from .embedding import dtype_of

if TYPE_CHECKING:
    from jax.typing import ArrayLike
    from jaxtyping import Array, Bool, Float


__all__ = ["LastOutput", "MeanOutput", "Output", "StepOutput", "check_mask", "pool"]


def pool(
    output: Output, x: Float[Array, "batch time width"], mask: Bool[Array, "batch time"] | None
) -> Float[Array, "batch ... width"]:
    """Reduce over the valid positions, as the readout asks."""
    if isinstance(output, StepOutput):
        return x
    if isinstance(output, LastOutput):
        return x[:, -1] if mask is None else x[jnp.arange(len(x)), mask.sum(1) - 1]
    if mask is None:
        return x.mean(1)
    return jnp.where(mask[..., None], x, 0).sum(1) / mask.sum(1)[:, None].astype(x.dtype)


def check_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> None:
    """Raise unless the mask shows a non-empty prefix of every row; values only where known."""
    if mask is None:
        return
    if dtype_of(mask) != np.bool_:
        raise TypeError(f"got a mask of dtype {dtype_of(mask)}, expected bool; use mask != 0.")
    if np.shape(mask) != shape:
        raise ValueError(
            f"got a mask of shape {np.shape(mask)}, expected the (batch, time) {shape} of the "
            "inputs."
        )
    if isinstance(mask, Tracer):
        return
    values = np.asarray(mask)
    if not (seen := values.any(1)).all():
        row = int(np.argmin(seen))
        raise hides_all(row)
    if (holed := (values[:, 1:] & ~values[:, :-1]).any(1)).any():
        row = int(np.argmax(holed))
        raise has_hole(row)
