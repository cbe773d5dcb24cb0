"""Random features: terminal states of linear CDEs for many paths, block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..paths import checked_paths
from .exact import AdaptiveFeatures, ExactFeatures
from .plan import FeaturePlan, checked_equations, plan_features
from .signature import SignatureFeatures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jaxtyping import Float

    from ..cde import LinearCDE

    Block = Float[np.ndarray, "path time channel"]
    Features = tuple[Float[np.ndarray, "path width"], ...]


def random_features(
    cde: LinearCDE,
    paths: Float[np.ndarray, "path time channel"],
    *,
    method: str = "auto",
    tolerance: float = 1e-3,
    depth: int | None = None,
    batch_size: int = 4096,
) -> Float[np.ndarray, "path width"]:
    r"""Terminal state :math:`y_1` of a linear CDE for every path.

    Parameters
    ----------
    cde
        The equation.
    paths
        `(path, time, channel)`, float32 or float64, without the time channel, which runs linearly
        from 0 to 1. The result has their type.
    method
        `"exact"`, `"signature"`, `"adaptive"`, or `"auto"`; see `plan_features`.
    tolerance
        Largest relative error that the truncation of the signature may make; see `plan_features`.
    depth
        Depth of the signature, in place of the smallest that meets `tolerance`.
    batch_size
        Paths per block.

    Returns
    -------
    One row per path.

    Raises
    ------
    ValueError, TypeError
        On paths that are empty, of one point, not finite, of integer type or of the wrong number
        of channels; on an unknown method; where the signature misses the tolerance.

    Notes
    -----
    Memory beyond the result is that of one block. For features that need not be held at once, or
    for several equations on the same paths, use `feature_blocks`.
    """
    plan = plan_features((cde,), paths, method=method, tolerance=tolerance, depth=depth)
    features = np.empty((len(paths), cde.width), np.asarray(paths[:1]).dtype)
    for rows, (block,) in feature_blocks((cde,), paths, plan, batch_size=batch_size):
        features[rows] = block
    return features


def feature_blocks(
    cdes: Sequence[LinearCDE],
    paths: Float[np.ndarray, "path time channel"],
    plan: FeaturePlan,
    *,
    batch_size: int = 4096,
    start: int = 0,
) -> Iterator[tuple[slice, Features]]:
    """Features of several equations in one pass over the paths.

    Parameters
    ----------
    cdes
        Equations with the same number of data channels; widths, structures and forcing may differ.
    paths
        As in `random_features`.
    plan
        From `plan_features`.
    batch_size
        Paths per block. Blocks begin at multiples of it.
    start
        First row to yield. Its block is computed whole, so that values do not depend on `start`;
        `start == len(paths)` yields nothing.

    Yields
    ------
    The rows as a slice, and one `(rows, width)` array for each equation.

    Notes
    -----
    On one machine the same call gives the same bytes.
    """
    cdes = checked_equations(cdes)
    paths = checked_paths(paths, cdes[0].channels)
    if batch_size < 1:
        raise ValueError(f"got batch_size={batch_size}, expected at least one path.")
    if not 0 <= start <= len(paths):
        raise ValueError(
            f"got start={start}, expected a row from 0 to {len(paths)}, the number of paths."
        )
    return _blocks(_block_function(cdes, paths, plan), paths, batch_size, start)


def _blocks(
    features: Callable[[Block], Features], paths: Block, batch_size: int, start: int
) -> Iterator[tuple[slice, Features]]:
    for first in range(start - start % batch_size, len(paths), batch_size):
        last = min(first + batch_size, len(paths))
        begin = max(first, start)
        if begin < last:
            block = features(paths[first:last])
            yield slice(begin, last), tuple(values[begin - first :] for values in block)


def _block_function(
    cdes: tuple[LinearCDE, ...], paths: Block, plan: FeaturePlan
) -> Callable[[Block], Features]:
    if plan.method == "signature":
        assert plan.depth is not None
        return SignatureFeatures(cdes, plan.depth, paths.dtype)
    if plan.method == "exact":
        return ExactFeatures(cdes, paths)
    return AdaptiveFeatures(cdes)
