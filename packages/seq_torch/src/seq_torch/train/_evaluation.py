"""Metrics of a model on a data set, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from seqtheory.checks import require_choice, require_integer
from seqtheory.training import ClassificationScores, FitData, RegressionScores, Training

from ._distributed import World
from ._loss import (
    Loss,
    check_classes,
    check_outputs,
    outputs_of,
    to_batch,
)
from ._place import Place, modes_kept, place_of

if TYPE_CHECKING:
    from torch import nn

    from seqtheory.dataset import Dataset


def evaluate(
    model: nn.Module, data: Dataset, training: Training | Loss, batch_size: int = 256
) -> dict[str, float | list[float]]:
    """Measure a model: the metrics that `seqtheory.training.Evaluated` holds.

    Parameters
    ----------
    model
        Called as ``model(inputs)``, or ``model(inputs, mask=mask)`` if the data have a mask, in
        evaluation mode and without gradients; its modules' modes are put back.
    data
        What to measure on. With ``"cross_entropy"`` and targets ``(batch,)`` each row counts as a
        word of one position.
    training
        A loss, or a training that has one.
    batch_size
        Rows per batch. It changes the metrics by rounding only.

    Returns
    -------
    ``loss``, ``token_accuracy``, ``sequence_accuracy`` and ``position_accuracy`` for
    ``"cross_entropy"``, ``rmse`` for ``"squared_error"``; defined as in `seqtheory.metrics` and
    summed in float64.

    Raises
    ------
    TypeError, ValueError
        If the data do not fit the loss or the model's outputs.
    """
    require_integer("batch_size", batch_size, minimum=1)
    settings = training if isinstance(training, Training) else _with_loss(training)
    FitData(data, data).check(settings)
    place = place_of(model, settings)
    with modes_kept(model):
        check_fit(model, [("data", data)], settings.loss, place)
        return scores(model, data, settings.loss, batch_size, place, World())


def check_fit(model: nn.Module, parts: list[tuple[str, Dataset]], loss: Loss, place: Place) -> None:
    """Run the model on two rows of each part, and raise unless its outputs fit the targets."""
    model.eval()
    for name, data in parts:
        batch = to_batch(data, slice(0, 2), place)
        with torch.no_grad():
            outputs = outputs_of(model, batch, place)
        check_outputs(loss, outputs, batch, name)
        if loss == "cross_entropy":
            check_classes(name, data, outputs.shape[-1])


def scores(
    model: nn.Module, data: Dataset, loss: Loss, batch_size: int, place: Place, world: World
) -> dict[str, float | list[float]]:
    """Metrics in evaluation mode; the processes share the rows and all get the metrics."""
    model.eval()
    length = data.targets.shape[1] if data.targets.ndim > 1 else 1
    held = ClassificationScores(length) if loss == "cross_entropy" else RegressionScores()
    numbers = np.arange(len(data))
    for start in range(0, len(data), batch_size):
        rows = world.share(numbers[start : start + batch_size])
        if len(rows):
            _add(held, model, data, rows, place)
    world.add_totals(held.totals, place)
    return held.metrics()


@torch.no_grad()
def _add(
    held: ClassificationScores | RegressionScores,
    model: nn.Module,
    data: Dataset,
    rows: np.ndarray,
    place: Place,
) -> None:
    batch = to_batch(data, rows, place)
    outputs = outputs_of(model, batch, place)
    targets = data.targets[rows]
    counted = None if data.counted is None else data.counted[rows]
    if isinstance(held, RegressionScores):
        held.add(outputs.reshape(targets.shape).cpu().numpy(), targets, counted)
        return
    losses = _losses(outputs, batch.targets, batch.counted)
    predicted = outputs.argmax(-1).cpu().numpy()
    columns = (len(rows), -1)
    held.add(float(losses), predicted.reshape(columns), targets.reshape(columns), counted)


def _losses(
    outputs: torch.Tensor, targets: torch.Tensor, counted: torch.Tensor | None
) -> torch.Tensor:
    """Sum of the losses, in float64 so that it hardly depends on the size of the batches."""
    shown = targets if counted is None else targets.masked_fill(~counted, 0)
    losses = functional.cross_entropy(
        outputs.flatten(0, -2), shown.flatten(), reduction="none"
    ).reshape(shown.shape)
    if counted is not None:
        losses = losses.masked_fill(~counted, 0.0)
    return losses.double().sum()


def _with_loss(loss: Loss) -> Training:
    require_choice("loss", loss, ("squared_error", "cross_entropy"))
    return Training(loss=loss)
