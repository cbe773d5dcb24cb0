"""Readouts of a model: at every position, from the mean over time, or at the last position."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float

from seqtheory._sequences import has_hole, hides_all
from seqtheory.settings import LastOutput, MeanOutput, Output, StepOutput

__all__ = [
    "LastOutput",
    "MeanOutput",
    "Output",
    "StepOutput",
    "checked_mask",
    "pool",
    "pool_on",
]


def pool(
    output: Output,
    x: Float[torch.Tensor, "batch time width"],
    mask: Bool[torch.Tensor, "batch time"] | None,
) -> Float[torch.Tensor, "batch ... width"]:
    """Reduce over the valid positions, as the readout asks."""
    if isinstance(output, StepOutput):
        return x
    if isinstance(output, LastOutput):
        return (
            x[:, -1] if mask is None else x[torch.arange(len(x), device=x.device), mask.sum(1) - 1]
        )
    if mask is None:
        return x.mean(1)
    valid = mask[..., None]
    return x.masked_fill(~valid, 0.0).sum(1) / valid.sum(1)


def pool_on(
    output: Output,
    x: Float[torch.Tensor, "batch time width"],
    kept: Float[torch.Tensor, "batch width"] | None,
    position: int,
) -> tuple[Float[torch.Tensor, "batch ... width"], Float[torch.Tensor, "batch width"] | None]:
    """Reduce over all positions so far as `pool` does: `x` holds the latest, `position` counts all.

    Returns
    -------
    What the readout sees, and what it must be given for the next part.
    """
    if isinstance(output, StepOutput):
        return x, None
    if position == 0:
        raise ValueError(
            f"got no position so far, and {type(output).__name__} reads at least one. Begin with a "
            "part that is not empty."
        )
    if isinstance(output, MeanOutput):
        total = x.sum(1) if kept is None else kept + x.sum(1)
        return total / position, total
    last = x[:, -1] if x.shape[1] or kept is None else kept
    return last, last


def checked_mask(mask: torch.Tensor | None, inputs: torch.Tensor) -> torch.Tensor | None:
    """Raise unless the mask shows a non-empty prefix of every row; None where it hides nothing."""
    if mask is None:
        return None
    if not isinstance(mask, torch.Tensor):
        raise TypeError(f"got a mask of type {type(mask).__name__}, expected a torch.Tensor.")
    if mask.dtype != torch.bool:
        raise TypeError(f"got a mask of dtype {mask.dtype}, expected bool; use mask != 0.")
    if mask.shape != inputs.shape[:2]:
        raise ValueError(
            f"got a mask of shape {tuple(mask.shape)}, expected the (batch, time) "
            f"{tuple(inputs.shape[:2])} of the inputs."
        )
    if torch.compiler.is_compiling():  # the values are unknown
        return mask
    if mask.all():
        return None
    empty = ~mask.any(1)
    if empty.any():
        row = int(empty.nonzero()[0])
        raise hides_all(row)
    holed = (mask[:, 1:] & ~mask[:, :-1]).any(1)
    if holed.any():
        row = int(holed.nonzero()[0])
        raise has_hole(row)
    return mask
