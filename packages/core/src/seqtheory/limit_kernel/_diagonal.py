"""The limit of diagonal random linear CDEs: increments of the path, and not their order."""

from __future__ import annotations

from itertools import combinations_with_replacement
from math import comb
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_memory
from seqtheory.limit_kernel._paths import Real, checked_sets, joined
from seqtheory.signature import add_time
from seqtheory.signature._validate import as_depth

if TYPE_CHECKING:
    from jaxtyping import Float

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)  # on every segment
_BLOCK_BYTES = 2**25


def diagonal_limit(
    xs: Float[np.ndarray, "path time channel"],
    ys: Float[np.ndarray, "other time channel"] | None = None,
    *,
    forcing: bool = True,
    fixed_start: bool = False,
    degree: int = 10,
) -> Float[np.ndarray, "path other"]:
    r"""Kernel of infinitely many diagonal random linear CDEs.

    Each state is a scalar equation :math:`dy = y \langle a, dw \rangle + \langle b, dw \rangle`
    with :math:`a, b \sim N(0, 1)`. With what is left of the path, :math:`r_s = w_1 - w_s`,

    .. math:: k(x, x') = (1 + \langle x_0, x_0' \rangle)\, e^{|r_0 + r_0'|^2 / 2}
              + \int_0^1 \!\! \int_0^1 e^{|r_s + r'_{s'}|^2 / 2}
              \langle dw_s, dw'_{s'} \rangle ,

    the last term with forcing only; the first factor is 1 for a `fixed_start`.

    Parameters
    ----------
    xs, ys
        Paths without the time channel, which runs linearly from 0 to 1. `ys` is None for `xs`.
    forcing
        Whether the term <b, dw> is present.
    fixed_start
        Whether all paths start from one random state, independent of :math:`x_0`; only without
        forcing.
    degree
        Degree at which the Taylor series of :math:`e^{\langle r, r' \rangle}` is cut off.

    Returns
    -------
    The Gram matrix, float64.

    Raises
    ------
    ValueError, TypeError
        If `xs` or `ys` are no paths, or `fixed_start` is set together with forcing.
    MemoryError
        If the matrix, or the features of this degree, do not fit this machine.

    Notes
    -----
    **Derivation.** The solution is :math:`y_1 = y_0 e^{\langle a, r_0 \rangle}
    + \int e^{\langle a, r_s \rangle} \langle b, dw_s \rangle`; b and the start are independent of
    a, and :math:`E e^{\langle a, v \rangle} = e^{|v|^2 / 2}`.

    **Floor.** Every function in this kernel's space depends on the path only through :math:`w_1`
    and :math:`\int \phi(w_1 - w_s)\, dw_s`. No number of samples or states therefore takes the
    regression error below that of the projection on such functions. For :math:`S^{12}` without
    forcing, where only the endpoint is seen, that is :math:`\sqrt{(n-1)/(2n-1)}` of the error of
    predicting zero, with n increments. For :math:`S^{123}` with forcing, where the order of the
    last two letters is not seen, it is about :math:`\sqrt{1/2}`. :math:`S^{12}` itself is reached
    with forcing.

    **Cost.** :math:`e^{|r + r'|^2/2} = e^{|r|^2/2} e^{|r'|^2/2} \sum_\alpha r^\alpha r'^\alpha /
    \alpha!`, so that the double integral is an inner product of single integrals: one feature per
    monomial and channel, by three Gauss points per segment. The rest of the series is below
    :math:`(|r| |r'|)^{\text{degree}+1} / (\text{degree}+1)!`, relative to the kernel's prefactors.

    References
    ----------
    The closure of diagonal equations: N. Muca Cirone et al., arXiv:2402.19047, theorem 4.3. The
    kernel is derived here.

    Examples
    --------
    >>> still = np.zeros((1, 2, 1))
    >>> float(round(diagonal_limit(still, forcing=False)[0, 0], 6))  # exp(|(1, 0) + (1, 0)|^2 / 2)
    7.389056
    """
    degree = as_depth(degree)
    if forcing and fixed_start:
        raise ValueError("fixed_start=True is the homogeneous equation; set forcing=False.")
    channels = np.shape(xs)[-1] + 1 if np.ndim(xs) == 3 else 1
    monomials = comb(channels + degree, degree)
    require_memory(200 * monomials * channels, f"the features of degree={degree:,}")
    first, second = checked_sets(xs, ys, monomials * (channels + 1))
    kernel = joined(_start(first, degree), None if second is None else _start(second, degree))
    if not fixed_start:
        kernel *= 1 + joined(first[:, 0], None if second is None else second[:, 0])
    if forcing:
        other = None if second is None else _forced(second, degree)
        kernel += joined(_forced(first, degree), other)
    return kernel


def _start(paths: Real, degree: int) -> Real:
    driver = add_time(paths)
    return _exponential_features(driver[:, -1] - driver[:, 0], degree)


def _forced(paths: Real, degree: int) -> Real:
    r"""Integrals of :math:`e^{|r_s|^2/2} r_s^\alpha / \sqrt{\alpha!}\, dw^i_s`, in blocks."""
    driver = add_time(paths)
    steps, left = np.diff(driver, axis=1), driver[:, -1:] - driver[:, :-1]
    count, segments, channels = steps.shape
    monomials = comb(channels + degree, degree)
    out = np.zeros((count, monomials, channels))
    rows = max(1, _BLOCK_BYTES // (8 * segments * monomials))
    for start in range(0, count, rows):
        block = slice(start, start + rows)
        for node, weight in zip((1 + _NODES) / 2, _WEIGHTS / 2, strict=True):
            rest = left[block] - node * steps[block]
            features = _exponential_features(rest, degree)
            out[block] += weight * (features.swapaxes(1, 2) @ steps[block])
    return out.reshape(count, -1)


def _exponential_features(points: Real, degree: int) -> Real:
    r"""Features with inner product :math:`e^{|r + r'|^2/2}`, up to the degree."""
    channels = points.shape[-1]
    out = np.empty((*points.shape[:-1], comb(channels + degree, degree)))
    out[..., 0] = np.exp(np.sum(points**2, axis=-1) / 2)
    place: dict[tuple[int, ...], int] = {(): 0}
    for length in range(1, degree + 1):
        for word in combinations_with_replacement(range(channels), length):
            place[word] = len(place)
            repeats = word.count(word[-1])
            shorter = out[..., place[word[:-1]]]
            out[..., place[word]] = shorter * points[..., word[-1]] / np.sqrt(repeats)
    return out
