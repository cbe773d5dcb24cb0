"""Batches as tensors, outputs of a model, and the loss summed over the targets that count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float, Int, Shaped

    from seqtheory.dataset import Dataset

    from ._place import Place

Loss = Literal["squared_error", "cross_entropy"]

_NUMPY = {torch.float32: np.float32, torch.float64: np.float64}
_COMPLEX = {torch.float32: np.complex64, torch.float64: np.complex128}
_HIDDEN = -100  # a class that cross_entropy leaves out


class Batch(NamedTuple):
    """Rows of a data set on the model's device."""

    inputs: Shaped[torch.Tensor, "batch ..."]
    targets: Shaped[torch.Tensor, "batch ..."]
    mask: torch.Tensor | None
    counted: torch.Tensor | None


def to_batch(data: Dataset, rows: Int[np.ndarray, " row"] | slice, place: Place) -> Batch:
    """Rows as tensors: integers as int64, real numbers in the model's type."""
    masks = (data.mask, data.counted)
    mask, counted = (None if m is None else _tensor(m[rows], place, np.bool_) for m in masks)
    inputs, targets = (_tensor(array[rows], place) for array in (data.inputs, data.targets))
    return Batch(inputs, targets, mask, counted)


def outputs_of(model: Callable[..., torch.Tensor], batch: Batch, place: Place) -> torch.Tensor:
    """Call the model, with the mask if there is one; outputs in float32 or wider."""
    with place.autocast():
        if batch.mask is None:
            outputs = model(batch.inputs)
        else:
            outputs = model(batch.inputs, mask=batch.mask)
    return outputs.float() if place.low_precision else outputs


def count(data: Dataset, rows: Int[np.ndarray, " row"]) -> int:
    """How many targets count in these rows: the denominator of a mean loss."""
    per_entry = int(np.prod(data.targets.shape[1:], dtype=np.int64))
    if data.counted is None:
        return len(rows) * per_entry
    return int(data.counted[rows].sum()) * (per_entry // data.targets.shape[1])


def summed_loss(
    loss: Loss, outputs: Float[torch.Tensor, "batch ..."], batch: Batch
) -> Float[torch.Tensor, ""]:
    """Loss of a batch, summed over the targets that count."""
    targets, counted = batch.targets, batch.counted
    if loss == "cross_entropy":
        classes = targets if counted is None else targets.masked_fill(~counted, _HIDDEN)
        return functional.cross_entropy(
            outputs.flatten(0, -2), classes.flatten(), reduction="sum", ignore_index=_HIDDEN
        )
    errors = outputs.reshape(targets.shape) - targets
    if counted is not None:
        hidden = ~counted.reshape(*counted.shape, *[1] * (errors.ndim - 2))
        errors = errors.masked_fill(hidden, 0.0)
    return errors.square().sum()


def check_outputs(
    loss: Loss, outputs: Float[torch.Tensor, "batch ..."], batch: Batch, name: str
) -> None:
    """Raise unless the outputs have a shape that the loss can compare with the targets.

    Raises
    ------
    ValueError
        If they have not; the message names both shapes.
    """
    got, targets = tuple(outputs.shape), tuple(batch.targets.shape)
    if outputs.is_complex():
        raise ValueError(f"the model's outputs are {outputs.dtype}; a loss needs real numbers.")
    if loss == "cross_entropy":
        if got[:-1] != targets:
            raise ValueError(
                f"the model maps {name}.inputs of shape {tuple(batch.inputs.shape)} to {got}, "
                f"expected {(*targets, 'classes')}: one score per class for every target. Read "
                "out at every step for a class per position, once for a class per sequence."
            )
    elif got != targets and not (len(targets) == 1 and got == (*targets, 1)):
        raise ValueError(
            f"the model maps {name}.inputs of shape {tuple(batch.inputs.shape)} to {got}, expected "
            f"the shape {targets} of the targets. Change the model's output or the targets."
        )


def check_classes(name: str, data: Dataset, num_classes: int) -> None:
    """Raise if a class is one that the model has no score for.

    Raises
    ------
    ValueError
        If there is such a class; the message names the row.
    """
    targets = data.targets
    if data.counted is not None:
        targets = np.where(data.counted, targets, 0)
    if (largest := int(targets.max())) >= num_classes:
        row = int(np.argmax(targets.reshape(len(targets), -1).max(axis=1)))
        raise ValueError(
            f"{name}.targets[{row}] holds the class {largest}, but the model has {num_classes} "
            f"outputs (classes 0..{num_classes - 1}). Give it more outputs."
        )


def _tensor(array: np.ndarray, place: Place, dtype: type | None = None) -> torch.Tensor:
    if dtype is None:
        kinds = {"f": _NUMPY[place.dtype], "c": _COMPLEX[place.dtype]}
        dtype = kinds.get(array.dtype.kind, np.int64)
    # The data set's arrays are read-only, and torch may only share what it may write to.
    return torch.from_numpy(np.require(array, dtype, ["C", "W"])).to(place.device)
