"""Choice of how random features are computed, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_choice

from ..paths import checked_paths
from ..structure import Diagonal
from .depth import check_tolerance, smallest_depth, truncation_tails
from .exact import longest_increment, series_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

    from ..cde import LinearCDE

METHODS = ("auto", "exact", "signature", "adaptive")

# Relative costs, in multiplications of a matrix product, measured on two x86 cores.
_COST_PER_SIGNATURE_TERM = 12.0
_COST_PER_DIAGONAL_STEP = 200.0
_COST_PER_TAYLOR_PRODUCT = 1.6


@dataclass(frozen=True)
class FeaturePlan:
    """How features are to be computed.

    Attributes
    ----------
    method
        `"exact"`, `"signature"` or `"adaptive"`.
    depth
        Depth of the signature; None for the other methods.
    tail
        Measured relative truncation error of the signature, the largest over the equations; None
        for the other methods.
    reason
        Why this method was chosen, in one sentence.
    """

    method: str
    depth: int | None
    tail: float | None
    reason: str


def plan_features(
    cdes: Sequence[LinearCDE],
    paths: Float[np.ndarray, "path time channel"],
    *,
    method: str = "auto",
    tolerance: float = 1e-3,
    depth: int | None = None,
) -> FeaturePlan:
    """Choose a method, and for the signature a depth.

    Parameters
    ----------
    cdes
        Equations that will share one pass over the paths.
    paths
        `(path, time, channel)`, without time.
    method
        `"auto"` takes the cheaper of the signature and the exact solver by a count of operations,
        and the exact solver where no affordable depth meets the tolerance. A named method is kept,
        or refused.
    tolerance
        Largest relative truncation error of the signature, in root mean square over paths and
        state variables; see `signature_depth`. The exact solver needs none; `"adaptive"` has
        the published tolerances and no others.
    depth
        Depth of the signature. It implies the signature; its tail is measured and reported, and
        not held to `tolerance`.

    Raises
    ------
    ValueError, TypeError
        On an unknown method, a depth below 1 or beside another method than the signature, a
        tolerance that is not positive, or paths as in `random_features`; for
        `method="signature"` without `depth`, where no affordable depth meets the tolerance.
    """
    cdes = checked_equations(cdes)
    _check_request(method, depth)
    check_tolerance(tolerance)
    paths = checked_paths(paths, cdes[0].channels)
    if depth is not None:
        tail = float(truncation_tails(cdes, paths, tolerance, depth)[-1])
        return FeaturePlan("signature", depth, tail, f"depth {depth} was asked for")
    if method in ("exact", "adaptive"):
        return FeaturePlan(method, None, None, f"{method} was asked for")
    tails = truncation_tails(cdes, paths, tolerance)
    if method == "auto" and not (tails <= tolerance).any():
        reason = (
            f"no affordable depth has a tail within {tolerance:g} (best {np.nanmin(tails):.2g})"
        )
        return FeaturePlan("exact", None, None, reason)
    depth, tail = smallest_depth(tails, tolerance)
    met = f"depth {depth} is the smallest with a tail within {tolerance:g}"
    if method == "signature":
        return FeaturePlan("signature", depth, tail, met)
    by_signature, by_exact = _signature_cost(cdes, paths, depth), _exact_cost(cdes, paths)
    factor = by_exact / by_signature
    if factor >= 1:
        reason = f"{met}, and costs {factor:.2g} times less than the exact solver"
        return FeaturePlan("signature", depth, tail, reason)
    reason = f"{met}, and would cost {1 / factor:.2g} times more than the exact solver"
    return FeaturePlan("exact", None, None, reason)


def checked_equations(cdes: Sequence[LinearCDE]) -> tuple[LinearCDE, ...]:
    """Equations as a tuple, refused where they cannot share their paths."""
    if not len(cdes):
        raise ValueError("got no equations, expected at least one LinearCDE.")
    channels = sorted({cde.channels for cde in cdes})
    if len(channels) > 1:
        raise ValueError(f"got equations for {channels} channels, expected the same for all.")
    return tuple(cdes)


def _check_request(method: str, depth: int | None) -> None:
    require_choice("method", method, METHODS)
    if depth is None:
        return
    if depth < 1:
        raise ValueError(f"got depth={depth}, expected at least 1.")
    if method not in ("auto", "signature"):
        raise ValueError(
            f"got depth={depth} with method={method!r}, which has none: leave the depth out, or "
            "use method='signature'."
        )


def _signature_cost(
    cdes: tuple[LinearCDE, ...], paths: Float[np.ndarray, "path time channel"], depth: int
) -> float:
    letters, steps = paths.shape[2] + 1, paths.shape[1] - 1
    words = sum(letters**length for length in range(depth + 1))
    terms = sum(letters**j for level in range(1, depth + 1) for j in range(2, level + 1))
    width = sum(cde.width for cde in cdes)
    set_up = words * letters * sum(cde.structure.cost(cde.width) for cde in cdes)
    per_path = steps * terms * _COST_PER_SIGNATURE_TERM + words * letters * width
    return set_up + len(paths) * per_path


def _exact_cost(
    cdes: tuple[LinearCDE, ...], paths: Float[np.ndarray, "path time channel"]
) -> float:
    letters, steps = paths.shape[2] + 1, paths.shape[1] - 1
    longest, per_step = longest_increment(paths), 0.0
    for cde in cdes:
        if isinstance(cde.structure, Diagonal):
            per_step += cde.width * _COST_PER_DIAGONAL_STEP
        else:
            order, substeps = series_order(cde, longest, paths.dtype)
            products = order * substeps * letters * cde.structure.cost(cde.width)
            per_step += products * _COST_PER_TAYLOR_PRODUCT
    return len(paths) * steps * per_step
