"""A model's metrics on a data set."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from seqtheory.training import ClassificationScores, FitData, RegressionScores, Training

from .objective import check_shapes, row_losses

if TYPE_CHECKING:
    from jaxtyping import Array, PyTree

    from seqtheory.dataset import Dataset

    from .objective import Loss


def evaluate(
    model: PyTree, dataset: Dataset, loss: Loss, batch_size: int = 512
) -> dict[str, float | list[float]]:
    """Metrics of a model, dropout off.

    Parameters
    ----------
    model
        `model(inputs, mask)` of a batch; see `fit`.
    dataset
        What to measure on; `Dataset.counted` decides what counts.
    loss
        ``"cross_entropy"`` or ``"squared_error"``.
    batch_size
        Rows per call. A short last batch is padded with rows that are not counted.

    Returns
    -------
    ``loss`` (mean), ``token_accuracy``, ``sequence_accuracy`` and ``position_accuracy`` (a list)
    for ``"cross_entropy"``; ``rmse`` for ``"squared_error"``. `seqtheory.metrics` defines them.

    Raises
    ------
    TypeError, ValueError
        If the data do not suit the model or the loss; for example a class below 0 (exclude a
        position through `Dataset.counted`, not by such a class).
    """
    if loss not in ("cross_entropy", "squared_error"):
        raise ValueError(f"got loss={loss!r}, expected 'cross_entropy' or 'squared_error'.")
    if batch_size < 1:
        raise ValueError(f"got batch_size={batch_size}, expected at least 1.")
    FitData(dataset, dataset).check(Training(loss=loss))
    check_data(model, dataset, loss)
    parameters, frame = eqx.partition(model, eqx.is_inexact_array)
    return scores(parameters, frame, dataset, loss, min(batch_size, len(dataset)))


def check_data(model: PyTree, dataset: Dataset, loss: Loss) -> None:
    """Raise unless a model can be measured on these data."""
    if callable(check := getattr(model, "check_inputs", None)):
        check(dataset.inputs, dataset.mask)
    parameters, frame = eqx.partition(model, eqx.is_inexact_array)
    row = [None if a is None else a[:1] for a in (dataset.inputs, dataset.mask)]
    outputs = jax.eval_shape(lambda p: eqx.combine(p, frame)(*row), parameters)
    targets, counted = dataset.targets, dataset.counted
    shown = targets if counted is None else targets[counted]
    largest = int(shown.max()) if loss == "cross_entropy" else 0
    check_shapes(loss, outputs.shape, dataset.targets[:1].shape, largest)


def scores(
    parameters: PyTree, frame: PyTree, dataset: Dataset, loss: Loss, batch_size: int
) -> dict[str, float | list[float]]:
    """`evaluate` of a model in two parts, data already checked."""
    length = int(np.prod(dataset.targets.shape[1:2]))
    total = ClassificationScores(length) if loss == "cross_entropy" else RegressionScores()
    for batch in dataset.batches(batch_size, seed=None):
        rows = len(batch)
        arrays = (batch.inputs, batch.targets, batch.mask, batch.counted)
        filled = [_filled(array, batch_size) for array in arrays]
        outputs, losses = jax.device_get(_outputs(parameters, filled, frame, loss))
        if isinstance(total, RegressionScores):
            predictions = outputs[:rows].reshape(batch.targets.shape)
            total.add(predictions, batch.targets, batch.counted)
        else:
            shape = (rows, length)
            summed = float(losses[:rows].sum(dtype=np.float64))
            total.add(
                summed, outputs[:rows].reshape(shape), batch.targets.reshape(shape), batch.counted
            )
    return total.metrics()


@partial(jax.jit, static_argnames=("frame", "loss"))
def _outputs(
    parameters: PyTree, batch: list[Any], frame: PyTree, loss: Loss
) -> tuple[Array, Array]:
    inputs, targets, mask, counted = batch
    outputs = eqx.combine(parameters, frame)(inputs, mask)
    losses, _ = row_losses(loss, outputs, targets, counted)
    if loss == "cross_entropy":
        return jnp.argmax(outputs, axis=-1), losses
    return outputs, losses


def _filled(array: np.ndarray | None, rows: int) -> np.ndarray | None:
    """Repeat the last row until the array has `rows` rows."""
    if array is None or len(array) == rows:
        return array
    return np.concatenate([array, np.repeat(array[-1:], rows - len(array), axis=0)])
