"""Errors and accuracies, over the positions that a mask selects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer


def rmse(
    predictions: Float[np.ndarray, "batch ..."],
    targets: Float[np.ndarray, "batch ..."],
    mask: Bool[np.ndarray, "batch ..."] | None = None,
) -> float:
    r"""Root of the mean squared error.

    .. math:: \sqrt{\frac{1}{n} \sum_i (\hat y_i - y_i)^2}

    Parameters
    ----------
    predictions, targets
        Of equal shape, and any real dtype; the error is computed in float64.
    mask
        True where an entry counts; has the shape of the predictions, or of their leading axes.

    Returns
    -------
    The error, in the unit of the targets. NaN if a prediction that counts is NaN, as after
    divergence.

    Raises
    ------
    ValueError
        If shapes differ, or nothing counts.

    Examples
    --------
    >>> rmse(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == 2**0.5
    True
    """
    predictions, targets = _values(predictions, "predictions"), _values(targets, "targets")
    counted = _counted(predictions, targets, mask)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = (predictions[counted] - targets[counted]) ** 2
        return float(np.sqrt(squares.mean()))


def token_accuracy(
    predicted: Integer[np.ndarray, "batch length"],
    targets: Integer[np.ndarray, "batch length"],
    mask: Bool[np.ndarray, "batch length"] | None = None,
) -> float:
    r"""Share of positions that are right, over all words together.

    .. math:: \frac{1}{n} \sum_{b,t} 1[\hat y_{bt} = y_{bt}]

    Parameters
    ----------
    predicted, targets
        Classes (not scores), of one shape.
    mask
        True where a position counts.

    Raises
    ------
    TypeError, ValueError
        If classes are not integers, shapes differ, or nothing counts.

    Examples
    --------
    >>> token_accuracy(np.array([[0, 1], [2, 3]]), np.array([[0, 1], [2, 0]]))
    0.75
    """
    right, counted = _right(predicted, targets, mask)
    return float(right[counted].mean())


def sequence_accuracy(
    predicted: Integer[np.ndarray, "batch length"],
    targets: Integer[np.ndarray, "batch length"],
    mask: Bool[np.ndarray, "batch length"] | None = None,
) -> float:
    r"""Share of words that are right at every position.

    .. math:: \frac{1}{B} \sum_b \prod_t 1[\hat y_{bt} = y_{bt}]

    Parameters
    ----------
    predicted, targets
        Classes (not scores), of one shape ``(batch, length)``.
    mask
        True where a position counts; every word needs one that does.

    Raises
    ------
    TypeError, ValueError
        If classes are not integers, shapes differ, or nothing counts in some word.

    Examples
    --------
    >>> sequence_accuracy(np.array([[0, 1], [2, 3]]), np.array([[0, 1], [2, 0]]))
    0.5
    """
    right, counted = _right(predicted, targets, mask, sequences=True)
    _lengths(counted)
    return float((right | ~counted).all(axis=1).mean())


def position_accuracy(
    predicted: Integer[np.ndarray, "batch length"],
    targets: Integer[np.ndarray, "batch length"],
    mask: Bool[np.ndarray, "batch length"] | None = None,
) -> Float[np.ndarray, " length"]:
    r"""Share of words that are right, position by position.

    .. math:: a_t = \frac{1}{n_t} \sum_b 1[\hat y_{bt} = y_{bt}]

    Parameters
    ----------
    predicted, targets
        Classes (not scores), of one shape ``(batch, length)``.
    mask
        True where a position counts.

    Returns
    -------
    One accuracy per position; NaN at positions that count in no word.

    Raises
    ------
    TypeError, ValueError
        If classes are not integers, shapes differ, or nothing counts at all.

    Examples
    --------
    >>> position_accuracy(np.array([[0, 1], [2, 3]]), np.array([[0, 1], [2, 0]])).tolist()
    [1.0, 0.5]
    """
    right, counted = _right(predicted, targets, mask, sequences=True)
    count = counted.sum(axis=0)
    accuracy = np.full(count.shape, np.nan)
    np.divide((right & counted).sum(axis=0), count, out=accuracy, where=count > 0)
    return accuracy


def length_accuracy(
    predicted: Integer[np.ndarray, "batch length"],
    targets: Integer[np.ndarray, "batch length"],
    mask: Bool[np.ndarray, "batch length"],
) -> dict[int, float]:
    r"""Token accuracy among the words of each length.

    .. math:: a_L = \frac{1}{L \, |B_L|} \sum_{b \in B_L} \sum_t 1[\hat y_{bt} = y_{bt}],
        \qquad B_L = \{b : L_b = L\}

    Parameters
    ----------
    predicted, targets
        Classes (not scores), of one shape ``(batch, length)``.
    mask
        True where a position counts. The length of a word is the number of those.

    Returns
    -------
    Accuracy by length, in increasing order of length.

    Raises
    ------
    TypeError, ValueError
        If classes are not integers, shapes differ, or nothing counts in some word.

    Examples
    --------
    >>> mask = np.array([[True, True], [True, False]])
    >>> length_accuracy(np.array([[0, 1], [2, 3]]), np.array([[0, 0], [2, 0]]), mask)
    {1: 1.0, 2: 0.5}
    """
    right, counted = _right(predicted, targets, mask, sequences=True)
    lengths = _lengths(counted)
    hits = (right & counted).sum(axis=1)
    return {
        length: float(hits[lengths == length].mean() / length)
        for length in np.unique(lengths).tolist()
    }


def scaled_accuracy(accuracy: float, chance: float) -> float:
    r"""Accuracy on a scale where guessing is 0 and no error is 1.

    .. math:: \frac{a - a_{\text{chance}}}{1 - a_{\text{chance}}}

    Parameters
    ----------
    accuracy
        Share that is right, in [0, 1].
    chance
        What guessing reaches, in [0, 1); 1 / num_classes where classes are equally likely.

    Returns
    -------
    The scaled accuracy: at most 1, and below 0 for worse than guessing.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098; R. Grazzi et al., arXiv:2411.12537, Table 2.

    Examples
    --------
    >>> scaled_accuracy(0.75, chance=0.5)
    0.5
    """
    if not 0 <= accuracy <= 1:
        raise ValueError(f"got accuracy {accuracy!r}, expected a share in [0, 1].")
    if not 0 <= chance < 1:
        raise ValueError(f"got chance {chance!r}, expected a share in [0, 1), such as 1 / classes.")
    return (accuracy - chance) / (1 - chance)


def horizon(lengths: Sequence[int], accuracies: Sequence[float], threshold: float = 0.9) -> int:
    """Longest length up to which an accuracy holds at every length tested.

    Parameters
    ----------
    lengths
        Lengths tested, in increasing order.
    accuracies
        The accuracy at each length; NaN counts as a failure.
    threshold
        Least accuracy that counts as success.

    Returns
    -------
    The last length before the first failure; 0 if the first length fails. A success beyond a
    failure does not count.

    Raises
    ------
    ValueError
        If there are no lengths, they do not increase, or their number is not that of accuracies.

    Examples
    --------
    >>> horizon([20, 40, 80, 160], [1.0, 0.97, 0.6, 0.92])
    40
    """
    if not len(lengths) or len(lengths) != len(accuracies):
        raise ValueError(
            f"got {len(lengths)} lengths and {len(accuracies)} accuracies, expected as many of "
            "each, and at least one."
        )
    if any(later <= earlier for earlier, later in pairwise(lengths)):
        raise ValueError(f"got lengths {list(lengths)}, expected them to increase; sort them.")
    held = 0
    for length, accuracy in zip(lengths, accuracies, strict=True):
        if not accuracy >= threshold:
            break
        held = int(length)
    return held


def position_horizon(accuracies: Sequence[float] | np.ndarray, threshold: float = 0.9) -> int:
    """Count the first positions at all of which an accuracy reaches the threshold.

    Parameters
    ----------
    accuracies
        The accuracy at positions 1, 2 and so on; NaN marks a position without a target, which is
        ignored.
    threshold
        Least accuracy that counts as success.

    Returns
    -------
    The last position with a target before the first failure; 0 if the first one fails.

    Raises
    ------
    ValueError
        If no position has a target.

    Examples
    --------
    >>> position_horizon([1.0, float("nan"), 0.95, 0.4, 1.0])
    3
    """
    counted = np.flatnonzero(~np.isnan(accuracies))
    return horizon((counted + 1).tolist(), np.asarray(accuracies)[counted].tolist(), threshold)


def time_weighted_error(
    outputs: Float[np.ndarray, "batch time ..."],
    targets: Float[np.ndarray, "batch time ..."],
    power: float = 2.0,
    weighting: Literal["natural", "upstream"] = "natural",
) -> float:
    r"""Mean squared error that counts late times more.

    .. math:: E = \frac{1}{T} \sum_t w_t \, \overline{|\hat y_t - y_t|^2}, \qquad
        w_t \propto \left(\frac{t + 1}{T + 1}\right)^p, \quad \frac{1}{T} \sum_t w_t = 1

    Parameters
    ----------
    outputs, targets
        ``(batch, time)`` or ``(batch, time, channel)``, of one shape; t = 0..T-1.
    power
        p, at least 0; 0 is the plain mean squared error.
    weighting
        ``"upstream"`` multiplies outputs and targets by the weights before squaring, so that
        :math:`w_t^2` stands in place of :math:`w_t`; that mean of weights is not 1.

    Returns
    -------
    The error, in the squared unit of the targets; NaN where an output is NaN.

    Raises
    ------
    ValueError
        If shapes differ, there is no time axis, nothing to average, or an option is unknown.

    References
    ----------
    S. Wang, Z. Li and Q. Li, arXiv:2305.19190; the code published with it holds the ``"upstream"``
    form.

    Examples
    --------
    >>> late = np.array([[0.0, 1.0]])  # the weights are 0.4 and 1.6
    >>> round(time_weighted_error(late, np.zeros((1, 2))), 12)
    0.8
    """
    if weighting not in ("natural", "upstream"):
        raise ValueError(f"got weighting {weighting!r}, expected 'natural' or 'upstream'.")
    if not (np.isfinite(power) and power >= 0):
        raise ValueError(f"got power {power!r}, expected a finite number of at least 0.")
    outputs, targets = _values(outputs, "outputs"), _values(targets, "targets")
    _counted(outputs, targets, None)
    if outputs.ndim < 2:
        raise ValueError(f"outputs have shape {outputs.shape}, expected (batch, time, ...).")
    steps: int = outputs.shape[1]
    weights = (np.linspace(1, steps, steps) / (steps + 1)) ** power
    weights /= weights.mean()
    with np.errstate(over="ignore", invalid="ignore"):
        squares = (outputs - targets) ** 2
        per_time: Float[np.ndarray, " time"] = squares.mean(axis=(0, *range(2, squares.ndim)))
        factors: Float[np.ndarray, " time"] = weights if weighting == "natural" else weights**2
        return float((per_time * factors).mean())


def _values(array: np.ndarray, name: str) -> np.ndarray:
    array = as_array(array)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} have dtype {array.dtype}, expected real numbers.")
    return array.astype(np.float64, copy=False)


def _right(
    predicted: np.ndarray, targets: np.ndarray, mask: np.ndarray | None, sequences: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    predicted, targets = as_array(predicted), as_array(targets)
    for name, array in (("predicted", predicted), ("targets", targets)):
        if array.dtype.kind not in "biu":
            raise TypeError(
                f"{name} has dtype {array.dtype}, expected integer classes; of scores take "
                "argmax over the last axis first."
            )
    counted = _counted(predicted, targets, mask)
    if sequences and predicted.ndim != 2:
        raise ValueError(f"predicted has shape {predicted.shape}, expected (batch, length).")
    return predicted == targets, np.broadcast_to(counted, predicted.shape)


def _counted(predicted: np.ndarray, targets: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Where entries count, after checks of all shapes; may have only the leading axes."""
    if predicted.shape != targets.shape:
        raise ValueError(
            f"predictions have shape {predicted.shape} but targets {targets.shape}; they must be "
            "equal, since broadcasting would score the wrong pairs."
        )
    if predicted.size == 0:
        raise ValueError(f"arrays of shape {predicted.shape} hold nothing to score.")
    if mask is None:
        return np.ones(predicted.shape, dtype=bool)
    mask = as_array(mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"the mask has dtype {mask.dtype}, expected bool; use mask != 0.")
    if mask.ndim == 0 or mask.shape != predicted.shape[: mask.ndim]:
        raise ValueError(
            f"the mask has shape {mask.shape}, expected the leading axes of {predicted.shape}."
        )
    if not mask.any():
        raise ValueError("the mask is False everywhere, so there is nothing to score.")
    return mask


def _lengths(counted: Bool[np.ndarray, "batch length"]) -> Integer[np.ndarray, " batch"]:
    lengths = counted.sum(axis=1)
    if not lengths.all():
        raise ValueError(
            f"the mask is False throughout row {int(np.argmin(lengths))}: an empty word is neither "
            "right nor wrong. Drop such rows first."
        )
    return lengths
