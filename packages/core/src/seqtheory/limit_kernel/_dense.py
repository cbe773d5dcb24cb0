"""The limit of dense random linear CDEs: the signature kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.limit_kernel._paths import checked_sets, joined
from seqtheory.signature import add_time, signature
from seqtheory.signature._validate import as_depth, require_words_fit

if TYPE_CHECKING:
    from jaxtyping import Float


def dense_limit(
    xs: Float[np.ndarray, "path time channel"],
    ys: Float[np.ndarray, "other time channel"] | None = None,
    *,
    forcing: bool = True,
    fixed_start: bool = False,
    depth: int = 6,
) -> Float[np.ndarray, "path other"]:
    r"""Kernel of infinitely many dense random linear CDEs.

    Of :math:`dy = \sum_i A_i y\, dw^i + B\, dw`, :math:`y_0 = C x_0 + d`, :math:`w = (t, x)`, with
    independent entries :math:`A \sim N(0, 1/N)` and :math:`B, C, d \sim N(0, 1)`,

    .. math:: \tfrac1N \langle y_1, y_1' \rangle \to
              (2 + \langle x_0, x_0' \rangle)\, k_{\mathrm{sig}}(w, w') - 1 .

    Without forcing the limit is :math:`(1 + \langle x_0, x_0' \rangle)\, k_{\mathrm{sig}}`, and
    with :math:`y_0 = d` alone (`fixed_start`) it is :math:`k_{\mathrm{sig}}`.

    Parameters
    ----------
    xs, ys
        Paths without the time channel, which runs linearly from 0 to 1. `ys` is None for `xs`.
    forcing
        Whether the term B dw is present.
    fixed_start
        Whether all paths start from one random state, independent of :math:`x_0`; only without
        forcing.
    depth
        Greatest length of a word that is summed over.

    Returns
    -------
    The Gram matrix, float64.

    Raises
    ------
    ValueError, TypeError
        If `xs` or `ys` are no paths, or `fixed_start` is set together with forcing.
    MemoryError
        If the matrix, or the words of this length, do not fit this machine.

    Notes
    -----
    :math:`k_{\mathrm{sig}} = 1 + \sum_{|w| \le \text{depth}} S^w S^w`: exact words of the
    piecewise-linear path, cut off at a depth. What is cut off is, for paths of length at most l,
    less than :math:`\sum_{n > \text{depth}} (l^n / n!)^2`, in practice far less: compare two
    depths. `seqtheory.signature.gram` sums over all words, at the price of a differential equation
    per pair and its discretisation error; for 1,000 paths of 100 points this is fifty times faster.

    **Derivation.** Words of independent Gaussian matrices are orthogonal in the limit, so that
    :math:`E \langle \Phi u, \Phi' u' \rangle = k_{\mathrm{sig}} E \langle u, u' \rangle` for the
    flow :math:`\Phi` of the homogeneous equation, which gives the first factor
    :math:`1 + \langle x_0, x_0' \rangle`. The forced part is :math:`\int \Phi_{s,1} B\, dw_s`,
    hence :math:`\iint k_{\mathrm{sig}}(w_{[s,1]}, w'_{[s',1]}) \langle dw_s, dw'_{s'} \rangle`:
    read backwards, the Goursat equation says that this is :math:`k_{\mathrm{sig}} - 1`.

    References
    ----------
    N. Muca Cirone, M. Lemercier and C. Salvi, Neural signature kernels as infinite-width-depth
    limits of controlled ResNets, arXiv:2303.17671 (homogeneous). The forced one is derived here.

    Examples
    --------
    >>> still = np.zeros((1, 2, 1))
    >>> float(round(dense_limit(still, fixed_start=True, forcing=False, depth=12)[0, 0], 4))
    2.2796
    """
    depth = as_depth(depth)
    if forcing and fixed_start:
        raise ValueError("fixed_start=True is the homogeneous equation; set forcing=False.")
    channels = np.shape(xs)[-1] + 1 if np.ndim(xs) == 3 else 1
    require_words_fit(channels, depth, 8)
    words = sum(channels**n for n in range(1, depth + 1))
    first, second = checked_sets(xs, ys, words)
    signatures = (
        signature(add_time(first), depth),
        None if second is None else signature(add_time(second), depth),
    )
    kernel = 1 + joined(*signatures)
    if fixed_start:
        return kernel
    start = 1 + joined(first[:, 0], None if second is None else second[:, 0])
    return (1 + start) * kernel - 1 if forcing else start * kernel
