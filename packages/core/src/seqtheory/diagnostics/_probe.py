"""A linear probe: which classes a linear map reads off the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seqtheory.diagnostics._arrays import as_labels, as_points
from seqtheory.diagnostics._classes import class_centroids

if TYPE_CHECKING:
    from jaxtyping import Float, Integer

Real = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class LinearProbe:
    """Scores ``states @ weights + intercept``; `fit_probe` makes one."""

    weights: Float[np.ndarray, "n num_classes"]
    intercept: Float[np.ndarray, " num_classes"]

    def __repr__(self) -> str:
        """Sizes."""
        numbers, classes = self.weights.shape
        return f"LinearProbe({classes} classes read off {numbers} numbers)"

    def predict(self, states: Float[np.ndarray, "*shape n"]) -> Integer[np.ndarray, "*shape"]:
        """Class with the largest score."""
        scores: Real = as_points(states) @ self.weights + self.intercept
        return np.argmax(scores, axis=-1)

    def accuracy(
        self, states: Float[np.ndarray, "*shape n"], labels: Integer[np.ndarray, "*shape"]
    ) -> float:
        """Share of states whose class is predicted correctly; take states not used in the fit."""
        predicted = self.predict(states)
        right: np.ndarray = predicted == as_labels(labels, predicted.shape)
        return float(right.mean())


def fit_probe(
    states: Float[np.ndarray, "*shape n"],
    labels: Integer[np.ndarray, "*shape"],
    num_classes: int,
    ridge: float = 1e-6,
) -> LinearProbe:
    r"""Fit a linear probe: the linear discriminant of the classes.

    .. math:: \text{score}_c(h) = \mu_c^T \Sigma^{-1} h - \tfrac12 \mu_c^T \Sigma^{-1} \mu_c, \qquad
              \Sigma = S + \rho\, \frac{\operatorname{tr} S_0}{n}\, 1

    with the class means :math:`\mu_c`, the covariance S of the states within their classes, and
    that of all states, :math:`S_0`.

    Parameters
    ----------
    states, labels
        States and their classes, each of which must occur.
    num_classes
        Number of classes.
    ridge
        :math:`\rho > 0`, relative to the mean variance of a state's entries.

    Raises
    ------
    ValueError
        If a class does not occur, or all states are equal.

    Notes
    -----
    A closed form rather than logistic regression: it gives the same result on every machine, and it
    exists where the classes are separable, in which case logistic regression has no minimum. Least
    squares on indicators would be as simple, but never predicts the middle one of three classes in
    a row. All classes count equally.

    References
    ----------
    T. Hastie, R. Tibshirani and J. Friedman, The Elements of Statistical Learning, section 4.3.

    Examples
    --------
    >>> row = np.array([[-1.0], [0.0], [1.0]])
    >>> fit_probe(row, np.arange(3), 3).predict(row).tolist()
    [0, 1, 2]
    """
    points = as_points(states)
    numbers = as_labels(labels, points.shape[:-1]).ravel()
    if not 0 < ridge < np.inf:
        raise ValueError(f"ridge={ridge}: expected a positive number, and finite.")
    means = class_centroids(points, numbers.reshape(points.shape[:-1]), num_classes)
    flat = points.reshape(-1, points.shape[-1])
    spread = float(flat.var(axis=0).mean())
    if not spread > 0:
        raise ValueError("all states are equal, so that no probe can tell classes apart.")
    within = flat - means[numbers]
    covariance = within.T @ within / len(flat)
    covariance[np.diag_indices_from(covariance)] += ridge * spread
    centre: Real = means.mean(axis=0)  # scores do not change, and rounding is less
    weights: Real = np.linalg.solve(covariance, (means - centre).T)
    offsets = np.sum((means - centre) * weights.T, axis=1) / 2
    return LinearProbe(weights, -offsets - centre @ weights)
