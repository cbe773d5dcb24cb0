"""Class centroids, the margin between them, and the share of it that a state has used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.diagnostics._arrays import as_labels, as_points

if TYPE_CHECKING:
    from jaxtyping import Float, Integer

_BLOCK = 1 << 20  # numbers per block of (state, class)


def class_centroids(
    states: Float[np.ndarray, "... n"], labels: Integer[np.ndarray, ...], num_classes: int
) -> Float[np.ndarray, "num_classes n"]:
    r"""Mean state :math:`\mu_c` of every class.

    Raises
    ------
    ValueError
        If a class does not occur.
    """
    points = as_points(states)
    numbers = as_labels(labels, points.shape[:-1]).ravel()
    if numbers.max() >= num_classes:
        raise ValueError(
            f"labels go up to {numbers.max()}, but num_classes={num_classes}; expected labels in "
            f"0..{num_classes - 1}."
        )
    counts = occurrences(numbers, num_classes)
    sums = np.zeros((num_classes, points.shape[-1]))
    np.add.at(sums, numbers, points.reshape(-1, points.shape[-1]))
    return sums / counts[:, None]


def occurrences(
    numbers: Integer[np.ndarray, " state"], num_classes: int
) -> Integer[np.ndarray, " class"]:
    """Count the states of each class; raise ValueError if a class does not occur."""
    # One more class than there are states is enough for one that does not occur.
    counts = np.bincount(numbers, minlength=min(num_classes, len(numbers) + 1))
    if not counts.all():
        raise ValueError(
            f"class {int(np.argmin(counts))} does not occur among {len(numbers)} states, so it has "
            f"no centroid (num_classes={num_classes}). Give more or longer sequences."
        )
    return counts


def margin(centroids: Float[np.ndarray, "num_classes n"]) -> float:
    r"""Half the least distance between two centroids.

    .. math:: \tfrac12 \min_{c \ne c'} |\mu_c - \mu_{c'}|

    A state closer than this to its own centroid is nearer to it than to any other.
    """
    squares = _squared_distances(_at_least_two(centroids))
    return float(np.sqrt(squares[~np.eye(len(squares), dtype=bool)].min()) / 2)


def nearest_class(
    states: Float[np.ndarray, "... n"], centroids: Float[np.ndarray, "num_classes n"]
) -> Integer[np.ndarray, ...]:
    """Class whose centroid is nearest to each state."""
    points, centres = as_points(states), as_points(centroids, "centroids")
    scores = points @ centres.T - 0.5 * np.sum(centres**2, axis=1)
    return np.argmax(scores, axis=-1)


def margin_used(
    states: Float[np.ndarray, "*shape n"],
    labels: Integer[np.ndarray, "*shape"],
    centroids: Float[np.ndarray, "num_classes n"],
) -> Float[np.ndarray, "*shape"]:
    r"""Share of the way to the nearest class boundary that a state has gone.

    .. math:: r(h, y) = \max_{c \ne y}
              \frac{\langle h - \mu_y,\; u_c \rangle}{|\mu_c - \mu_y| / 2}, \qquad
              u_c = \frac{\mu_c - \mu_y}{|\mu_c - \mu_y|}

    Only the distance along a direction that separates two classes counts. The state is nearer to
    another centroid than to its own exactly where r exceeds 1.

    Parameters
    ----------
    states, labels
        States and their true classes.
    centroids
        :math:`\mu`, as `class_centroids` gives them.

    Returns
    -------
    One number per state: 0 at the centroid, negative for a state that is further from all
    boundaries than its centroid, infinite where another class has the same centroid.

    Notes
    -----
    If all centroids have the same norm, a state that shrinks towards their mean uses part of the
    margin but never all of it: decay alone does not change the nearest centroid.
    """
    points, centres = as_points(states), _at_least_two(centroids)
    numbers = as_labels(labels, points.shape[:-1])
    squares = _squared_distances(centres)
    flat, classes = points.reshape(-1, points.shape[-1]), numbers.ravel()
    used = np.empty(len(flat))
    rows = max(1, _BLOCK // len(centres))
    for start in range(0, len(flat), rows):
        block = slice(start, start + rows)
        used[block] = _used(flat[block], classes[block], centres, squares)
    return used.reshape(numbers.shape)


def class_gaps(
    scores: Float[np.ndarray, "... num_classes"], labels: Integer[np.ndarray, ...]
) -> Float[np.ndarray, "num_classes num_classes"]:
    r"""Mean lead of every class over every other in a readout's scores.

    .. math:: G_{y c} = \text{mean of } s_y - s_c \text{ over the states of class } y

    Raises
    ------
    ValueError
        If a class does not occur.
    """
    means = class_centroids(scores, labels, np.shape(scores)[-1])
    return np.diagonal(means)[:, None] - means


def score_margin_used(
    scores: Float[np.ndarray, "*shape num_classes"],
    labels: Integer[np.ndarray, "*shape"],
    gaps: Float[np.ndarray, "num_classes num_classes"],
) -> Float[np.ndarray, "*shape"]:
    r"""Share of the way to a readout's nearest class boundary that a state has gone.

    .. math:: r(s, y) = \max_{c \ne y} \Big( 1 - \frac{s_y - s_c}{G_{y c}} \Big)

    For a linear readout :math:`s = W h + w` this is the departure along :math:`W_c - W_y`, the
    direction that separates the two classes for the readout, over the distance of the class mean
    from the boundary. It exceeds 1 exactly where the readout answers another class than y.

    Parameters
    ----------
    scores, labels
        The model's logits and the true classes.
    gaps
        G, as `class_gaps` gives it. The result is infinite where a gap is not positive.
    """
    points = as_points(scores, "scores")
    numbers = as_labels(labels, points.shape[:-1])
    flat, classes = points.reshape(-1, points.shape[-1]), numbers.ravel()
    rows = np.arange(len(flat))
    lead = flat[rows, classes][:, None] - flat
    wanted = as_array(gaps, dtype=np.float64)[classes]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(wanted > 0, 1 - lead / wanted, np.inf)
    share[rows, classes] = -np.inf
    return share.max(axis=1).reshape(numbers.shape)


def separating_basis(
    centroids: Float[np.ndarray, "num_classes n"], tolerance: float = 1e-6
) -> Float[np.ndarray, "n direction"]:
    """Orthonormal basis of the span of all differences of centroids.

    Directions along which the centroids spread less than `tolerance` times their largest spread are
    left out.
    """
    centres = _at_least_two(centroids)
    _, sizes, directions = np.linalg.svd(centres - centres.mean(axis=0), full_matrices=False)
    return directions[sizes > tolerance * sizes[0]].T


def _used(
    points: Float[np.ndarray, "row n"],
    classes: Integer[np.ndarray, " row"],
    centres: Float[np.ndarray, "c n"],
    squares: Float[np.ndarray, "c c"],
) -> Float[np.ndarray, " row"]:
    own = centres[classes]
    ahead = (points - own) @ centres.T
    ahead -= np.sum((points - own) * own, axis=1)[:, None]
    apart = squares[classes]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(apart > 0, 2 * ahead / apart, np.inf)
    share[np.arange(len(points)), classes] = -np.inf
    return share.max(axis=1)


def _squared_distances(centres: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "c c"]:
    # By differences and not by products: the distance of near centroids must not cancel.
    return np.stack([np.sum((centres - centre) ** 2, axis=1) for centre in centres])


def _at_least_two(centroids: Float[np.ndarray, "c n"]) -> Float[np.ndarray, "c n"]:
    centres = as_points(centroids, "centroids")
    if centres.ndim != 2 or len(centres) < 2:
        raise ValueError(
            f"centroids have shape {centres.shape}, expected (class, n) with at least two classes."
        )
    return centres
