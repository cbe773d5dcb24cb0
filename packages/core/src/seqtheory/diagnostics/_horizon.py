"""After how many steps a tracker fails: the margin of its classes over the drift of its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_choice
from seqtheory.diagnostics._arrays import as_labels, as_states
from seqtheory.diagnostics._classes import (
    class_centroids,
    class_gaps,
    margin,
    margin_used,
    occurrences,
    score_margin_used,
)
from seqtheory.metrics import position_horizon

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Integer

_EXPONENTS = [k / 20 for k in range(5, 41)]  # growth exponents 0.25, 0.3, ..., 2 are tried
_DRAWS = 40  # of the bootstrap
_ROUNDING = 1e-9  # a share of the margin: departures below it are rounding


@dataclass(frozen=True, eq=False)
class Horizon:
    r"""Margin, drift and the horizon that follows from them; `predict_horizon` makes one.

    Attributes
    ----------
    centroids
        :math:`\mu`, ``(class, n)``, from the first `reference` steps.
    reference
        Number of those steps.
    margin
        m, half the least distance between two centroids, in units of the state; with
        ``readout="scores"`` the least mean lead of a class over another, of scores of norm 1.
    used
        Share of the margin used at each step, ``(time,)``; `margin_used` defines it.
    level
        Constant of the fit :math:`\text{level} + \text{rate} \cdot a^{\text{growth}}` to `used`
        after the first `reference` steps. The age a = k - (reference + 1) / 2 of step k counts from
        the mean of those steps.
    rate
        Factor of the fit.
    growth
        Power of the fit.
    rate_error
        Standard error of the rate, over the sequences (bootstrap).
    """

    centroids: Float[np.ndarray, "num_classes n"]
    reference: int
    margin: float
    used: Float[np.ndarray, " time"]
    level: float
    rate: float
    growth: float
    rate_error: float

    def __repr__(self) -> str:
        """Verdict first, and the numbers behind it."""
        seen = f"margin {self.margin:.3g}, {len(self.used)} steps seen"
        if self.verdict != "drifts":
            return f"Horizon({self.verdict}: {len(self.centroids)} classes, {seen})"
        low, high = self.interval
        return f"Horizon(drifts: {self.steps:.4g} steps ({low:.4g} to {high:.4g}), {seen})"

    @property
    def drift(self) -> float:
        """`rate` times `margin`: departure per step**growth, in units of the state."""
        return self.rate * self.margin

    @property
    def steps(self) -> float:
        """Predicted number of steps until the margin is used up; infinite without drift."""
        return self._reached(self.rate) if self.verdict == "drifts" else self._limit

    @property
    def interval(self) -> tuple[float, float]:
        """Predicted steps if the drift is two standard errors larger, and two smaller."""
        if self.verdict != "drifts":
            return (self._limit, self._limit)
        spread = 2 * self.rate_error
        return (self._reached(self.rate + spread), self._reached(self.rate - spread))

    @property
    def verdict(self) -> str:
        """``"drifts"``, ``"no drift"`` or ``"not separated"``.

        ``"not separated"``: states are beyond a class boundary from the first step on. ``"no
        drift"``: the rate is below two standard errors, or below rounding. ``"drifts"``: otherwise.
        """
        if not self.margin > 0 or not self.level + max(self.rate, 0.0) < 1:
            return "not separated"
        moved = self.rate * len(self.used) ** self.growth
        return "drifts" if self.rate > 2 * self.rate_error and moved > _ROUNDING else "no drift"

    def curve(self, steps: Float[np.ndarray, " step"]) -> Float[np.ndarray, " step"]:
        """Fitted share of the margin used after `steps` steps, counted from 1."""
        age = np.maximum(steps - (self.reference + 1) / 2, 0.0)
        return self.level + self.rate * age**self.growth

    @property
    def _limit(self) -> float:
        return 0.0 if self.verdict == "not separated" else float("inf")

    def _reached(self, rate: float) -> float:
        if rate <= 0:
            return float("inf")
        return (self.reference + 1) / 2 + ((1 - self.level) / rate) ** (1 / self.growth)


def predict_horizon(
    states: Float[np.ndarray, "batch time n"],
    labels: Integer[np.ndarray, "batch time"],
    *,
    num_classes: int | None = None,
    reference: int | None = None,
    growth: float | None = 1.0,
    accuracy: float | None = None,
    readout: Literal["centroid", "direction", "scores"] = "centroid",
) -> Horizon:
    r"""Predict from short sequences at which length a tracker fails.

    With the class centroids :math:`\mu`, the margin :math:`m = \tfrac12 \min |\mu_c - \mu_{c'}|`
    and the mean share :math:`\bar r_k` of the margin that is used after k steps (`margin_used`:
    departures along state-separating directions),

    .. math:: \bar r_k \approx \text{level} + \frac{\text{drift}}{m}\, k, \qquad
              \text{horizon} = (1 - \text{level})\, \frac{m}{\text{drift}},

    that is margin over drift per step, where the states start from their centroids (level 0).

    Parameters
    ----------
    states
        :math:`h_k` for k = 1, 2, ..., over lengths at which the tracker still works. Prefer many
        sequences to long ones.
    labels
        The true classes.
    num_classes
        Number of classes; None takes the largest label plus one.
    reference
        Number of first steps that give the centroids, fewer than all. None takes a quarter of the
        steps, or more until every class occurs. Centroids of late steps would have drifted
        themselves.
    growth
        Exponent with which the departure grows. 1, as in the equation above: errors add up. 1/2:
        errors add up like the steps of a random walk. None fits the exponent, between 0.25 and 2.
    accuracy
        None fits the mean share of the margin used. A number q in (0, 1) fits the share that a
        fraction q of the sequences stay below. That share reaches 1 exactly when the accuracy of
        `nearest_class` falls to q, however much the sequences differ.
    readout
        ``"centroid"``: a boundary is half-way between two centroids. ``"direction"``: as before,
        after every state is scaled to norm 1; for a readout that does not depend on the norm of the
        state, such as one after a normalisation layer. ``"scores"``: `states` are the scores that a
        linear readout gives the classes, and a boundary is where two scores are equal
        (`score_margin_used`). The scores of each state are first shifted to mean 0 and scaled to
        norm 1, which changes no answer. Of two classes' scores this leaves no information, so three
        classes or more are needed.

        For a trained model, pass the outputs of its last mixer over twice its training length, with
        ``"direction"``. The whole state also holds directions that no readout sees, and those may
        drift or grow freely. The scores of a trained readout hardly change until the state is near
        a boundary, so that they predict too many steps. Sequences of the training length alone show
        too little drift, since the readout was fitted to states of half that drift.

        With two classes, a rotation first moves the state at a right angle to the line between the
        centroids. The departure then grows with exponent 2, and the first steps show little of it.

    Returns
    -------
    A `Horizon`. Its `steps` is the prediction, and its `verdict` says whether the tracker drifts at
    all.

    Raises
    ------
    TypeError, ValueError
        If shapes do not fit, a value is not finite, or a class does not occur in time.

    Notes
    -----
    An affine recurrence cannot undo a departure along a direction that separates classes, so
    departures add up. How they add up depends on the group. If every transition misses
    :math:`\rho(a)` by a small :math:`\epsilon(a)`, then after k steps the state is off by the sum
    of the :math:`\epsilon(x_j)`, each transformed by the elements that come after it. In an abelian
    group that transformation changes nothing, and the departure grows by the mean of
    :math:`\epsilon` per step: growth 1. If the elements send :math:`\epsilon` in all directions, as
    the rotations of A5 do, the mean vanishes and a random walk remains: growth 1/2. A line through
    the first steps then predicts too few steps. Both laws hold while the departure is small.

    References
    ----------
    After the idea of arXiv:2605.07755 (affine recurrent trackers have a finite horizon); the
    definitions and the two laws of growth are ours.

    Examples
    --------
    Turns by 0, 91, 182 and 273 degrees instead of 0, 90, 180 and 270 are 1.5 degrees per step too
    far on average. The true horizon is 45 / 1.5 = 30 steps. The prediction is close but not exact,
    since a line is fitted and the state moves on a circle.

    >>> words = np.random.default_rng(0).integers(0, 4, (200, 16))
    >>> angles = np.radians(91.0) * words.cumsum(axis=1)
    >>> states = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    >>> found = predict_horizon(states, words.cumsum(axis=1) % 4)
    >>> found.verdict, 25 < found.steps < 45
    ('drifts', True)
    """
    points = as_states(states)
    numbers = as_labels(labels, points.shape[:2])
    count = int(numbers.max()) + 1 if num_classes is None else num_classes
    occurrences(numbers.ravel(), count)
    points = _normalised(points, count, readout)
    first = _reference(numbers, count, reference)
    centroids = class_centroids(points[:, :first], numbers[:, :first], count)
    used, width = _margin(points, numbers, centroids, first, readout)
    if not width > 0:
        nothing = np.full(used.shape[1], np.inf)
        return Horizon(centroids, first, width, nothing, np.inf, 0.0, 1.0, 0.0)
    curve = _curve(used, accuracy)
    exponents = _EXPONENTS if growth is None else [_exponent(growth)]
    fits = [(exponent, *_fit(curve, first, exponent)) for exponent in exponents]
    chosen, level, rate, _ = min(fits, key=lambda fit: fit[-1])
    return Horizon(
        centroids=centroids,
        reference=first,
        margin=width,
        used=curve,
        level=level,
        rate=rate,
        growth=chosen,
        rate_error=_rate_error(used, accuracy, first, chosen),
    )


def observed_horizon(correct: Bool[np.ndarray, "batch time"], threshold: float = 0.9) -> int:
    """Count the first steps at each of which at least `threshold` of the rows are correct.

    Parameters
    ----------
    correct
        Whether the tracker's answer is right, from `nearest_class` or from the model's own readout.
    threshold
        Least accuracy, in (0, 1].

    Returns
    -------
    A number of steps; the length of the sequences if the accuracy never falls below the threshold.
    """
    right = as_array(correct)
    if right.dtype != np.bool_ or right.ndim != 2 or right.size == 0:
        raise ValueError(
            f"correct has dtype {right.dtype} and shape {right.shape}, expected bool (batch, time)."
        )
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold}: expected more than 0 and at most 1.")
    return position_horizon(right.mean(axis=0), threshold)


def _normalised(
    points: Float[np.ndarray, "batch time n"], num_classes: int, readout: str
) -> Float[np.ndarray, "batch time n"]:
    """Transform the states as a readout of this kind does before it compares them."""
    require_choice("readout", readout, ("centroid", "direction", "scores"))
    if readout == "scores":
        return _normalised_scores(points, num_classes)
    return points if readout == "centroid" else _directions(points)


def _directions(points: Float[np.ndarray, "batch time n"]) -> Float[np.ndarray, "batch time n"]:
    """Scale states to norm 1; a state of zero stays zero."""
    largest = np.abs(points).max(axis=2, keepdims=True)  # whose square may overflow
    scaled = points / np.where(largest > 0, largest, 1.0)
    norms = np.linalg.norm(scaled, axis=2, keepdims=True)
    return scaled / np.where(norms > 0, norms, 1.0)


def _normalised_scores(
    scores: Float[np.ndarray, "batch time n"], num_classes: int
) -> Float[np.ndarray, "batch time n"]:
    """Scores shifted to mean 0 and scaled to norm 1, which changes no comparison of them."""
    if scores.shape[2] != num_classes:
        raise ValueError(
            f"scores have {scores.shape[2]} entries for {num_classes} classes; expected one score "
            "per class. Give states with readout='centroid'."
        )
    if num_classes < 3:
        raise ValueError(
            f"readout='scores' with {num_classes} classes, expected 3 or more: two scores of mean "
            "0 and norm 1 are the same two numbers wherever the state is. Give states with "
            "readout='direction'."
        )
    centred = scores - scores.mean(axis=2, keepdims=True)
    return _directions(centred)


def _margin(
    points: Float[np.ndarray, "batch time n"],
    labels: Integer[np.ndarray, "batch time"],
    centroids: Float[np.ndarray, "num_classes n"],
    first: int,
    readout: str,
) -> tuple[Float[np.ndarray, "batch time"], float]:
    """Share of the margin used, and the margin."""
    if readout != "scores":
        return margin_used(points, labels, centroids), margin(centroids)
    gaps = class_gaps(points[:, :first], labels[:, :first])
    width = float(gaps[~np.eye(len(gaps), dtype=bool)].min())
    return score_margin_used(points, labels, gaps), width


def _curve(
    used: Float[np.ndarray, "batch time"], accuracy: float | None
) -> Float[np.ndarray, " time"]:
    if accuracy is None:
        return used.mean(axis=0)
    if not 0 < accuracy < 1:
        raise ValueError(f"accuracy={accuracy}: expected a number between 0 and 1, or None.")
    return np.quantile(used, accuracy, axis=0)


def _fit(
    curve: Float[np.ndarray, " time"], first: int, exponent: float
) -> tuple[float, float, float]:
    """Level (not negative), rate and sum of squared residuals of the line in age**exponent."""
    later = curve[first:]
    age = (np.arange(first + 1, len(curve) + 1) - (first + 1) / 2) ** exponent
    centred = age - age.mean()
    rate = float(later @ centred / (centred @ centred)) if len(age) > 1 else 0.0
    level = float(later.mean() - rate * age.mean())
    if level < 0 or len(age) == 1:
        level, rate = 0.0, float(later @ age / (age @ age))
    return level, rate, float(np.sum((later - level - rate * age) ** 2))


def _rate_error(
    used: Float[np.ndarray, "batch time"], accuracy: float | None, first: int, exponent: float
) -> float:
    """Bootstrap error of the rate over sequences, with a fixed seed; infinite for one sequence."""
    if len(used) == 1:
        return float("inf")
    draws = np.random.default_rng(0).integers(0, len(used), (_DRAWS, len(used)))
    rates = [_fit(_curve(used[rows], accuracy), first, exponent)[1] for rows in draws]
    return float(np.std(rates, ddof=1))


def _reference(labels: Integer[np.ndarray, "batch time"], count: int, reference: int | None) -> int:
    time, chosen = labels.shape[1], reference
    if chosen is None:
        seen = np.zeros(count, dtype=np.int64)  # the first step that shows each class
        for k in range(time - 1, -1, -1):
            seen[labels[:, k]] = k + 1
        chosen = max(-(-time // 4), int(seen.max()))
    if not 1 <= chosen < time:
        raise ValueError(
            f"the first {chosen} of {time} steps would give the centroids, and at least one step "
            "must be left to see drift. Give longer sequences, or more of them."
        )
    return chosen


def _exponent(growth: float) -> float:
    if not 0 < growth < np.inf:
        raise ValueError(
            f"growth={growth}: expected a positive number, such as 1 or 0.5, or None to fit it."
        )
    return float(growth)
