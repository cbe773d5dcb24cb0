"""Held-out metrics summed batch by batch, equal to those of `seqtheory.metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer


class ClassificationScores:
    """Loss and accuracies of classes, over any number of batches.

    Parameters
    ----------
    length
        Positions of a word.

    Attributes
    ----------
    totals
        The sums, in one float64 array. The totals of two parts of a data set add up to those of the
        whole.

    Examples
    --------
    >>> scores = ClassificationScores(length=2)
    >>> scores.add(0.5, np.array([[0, 1]]), np.array([[0, 1]]))
    >>> scores.add(1.5, np.array([[2, 3]]), np.array([[2, 0]]))
    >>> scores.metrics()["token_accuracy"], scores.metrics()["sequence_accuracy"]
    (0.75, 0.5)
    """

    def __init__(self, length: int) -> None:
        self._length = length
        # Summed loss, words that are right, words; then by position: right, counted.
        self.totals: Float[np.ndarray, " total"] = np.zeros(3 + 2 * length)

    def add(
        self,
        loss: float,
        predicted: Integer[np.ndarray, "batch length"],
        targets: Integer[np.ndarray, "batch length"],
        mask: Bool[np.ndarray, "batch length"] | None = None,
    ) -> None:
        """Add one batch; `loss` is the sum over its positions that count."""
        counted = np.ones(predicted.shape, dtype=bool) if mask is None else mask
        right = predicted == targets
        self.totals[0] += loss
        self.totals[1] += (right | ~counted).all(axis=1).sum()
        self.totals[2] += len(predicted)
        self.totals[3:] += np.concatenate([(right & counted).sum(axis=0), counted.sum(axis=0)])

    def metrics(self) -> dict[str, float | list[float]]:
        """Mean loss and accuracies; an accuracy is NaN at positions that counted in no word."""
        loss, words_right, words = self.totals[:3].tolist()
        right, counted = self.totals[3 : 3 + self._length], self.totals[3 + self._length :]
        total = float(counted.sum())
        by_position = np.full(self._length, np.nan)
        np.divide(right, counted, out=by_position, where=counted > 0)
        return {
            "loss": loss / total,
            "token_accuracy": float(right.sum()) / total,
            "sequence_accuracy": words_right / words,
            "position_accuracy": by_position.tolist(),
        }


class RegressionScores:
    """Root mean squared error, over any number of batches.

    Attributes
    ----------
    totals
        The sums, in one float64 array. The totals of two parts of a data set add up to those of the
        whole.

    Examples
    --------
    >>> scores = RegressionScores()
    >>> scores.add(np.array([1.0]), np.array([1.0]))
    >>> scores.add(np.array([2.0]), np.array([4.0]))
    >>> scores.metrics()["rmse"] == 2**0.5
    True
    """

    def __init__(self) -> None:
        self.totals: Float[np.ndarray, " total"] = np.zeros(2)  # squared errors, entries

    def add(
        self,
        predictions: Float[np.ndarray, "batch ..."],
        targets: Float[np.ndarray, "batch ..."],
        mask: Bool[np.ndarray, "batch time"] | None = None,
    ) -> None:
        """Add one batch; a batch in which no entry counts changes nothing."""
        predictions = predictions if mask is None else predictions[mask]
        targets = targets if mask is None else targets[mask]
        with np.errstate(over="ignore", invalid="ignore"):
            errors = predictions.astype(np.float64) - targets.astype(np.float64)
            self.totals += (float(np.square(errors).sum()), errors.size)

    def metrics(self) -> dict[str, float | list[float]]:
        """Return the error under the key ``rmse``; NaN if a prediction was NaN."""
        squares, counted = self.totals.tolist()
        return {"rmse": (squares / counted) ** 0.5}
