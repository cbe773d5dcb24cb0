"""Prediction of the step at which the growing state of a tracker overflows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_positive
from seqtheory.diagnostics._arrays import as_states

if TYPE_CHECKING:
    from jaxtyping import Float

SINGLE = float(np.sqrt(np.finfo(np.float32).max))
"""Square root of the largest single-precision number: larger norms have no finite square."""


def predict_overflow(
    states: Float[np.ndarray, "batch time n"], *, largest: float = SINGLE
) -> float:
    r"""Predict from short sequences after how many steps the norm of the state overflows.

    The state of a linear recurrence without normalisation grows or shrinks by a constant factor per
    step. The factor :math:`e^g` is fitted to the median norm over sequences, in the second half of
    the steps:

    .. math:: \log |h_k| \approx \log |h_K| + g\,(k - K), \qquad
              \text{steps} = K + \frac{\log \text{largest} - \log |h_K|}{g}.

    Parameters
    ----------
    states
        :math:`h_k` for k = 1, ..., K, or any outputs that are linear in them.
    largest
        Norm that counts as overflow: by default the square root of the largest single-precision
        number, since a normalisation layer after the state sums squares.

    Returns
    -------
    A number of steps; infinite if the norm does not grow, 0 if it exceeds `largest` already.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than four steps, a state is zero, or a value is not finite.

    Examples
    --------
    A state that doubles: 2^128 is too large for single precision, and so is the square of 2^64.

    >>> states = 2.0 ** np.arange(1, 9)[None, :, None]
    >>> round(predict_overflow(states))
    64
    """
    points = as_states(states)
    require_positive("largest", largest)
    time = points.shape[1]
    if time < 4:
        raise ValueError(f"states have {time} steps, expected at least 4 to see them grow.")
    sizes = np.abs(points).max(axis=2)
    if not sizes.all():
        raise ValueError("a state is zero at some step; expected states that grow or shrink.")
    logs = np.log(sizes) + np.log(np.linalg.norm(points / sizes[..., None], axis=2))
    logs = np.median(logs, axis=0)
    late = logs[time // 2 :]
    centred = np.arange(len(late)) - (len(late) - 1) / 2
    growth = float(late @ centred / (centred @ centred))
    if growth <= 0:
        return float("inf")
    last = float(late.mean()) + growth * centred[-1]
    return max(0.0, float(time + (np.log(largest) - last) / growth))
