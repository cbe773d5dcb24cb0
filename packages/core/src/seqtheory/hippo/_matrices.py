"""The HiPPO matrices: states that hold the coefficients of the input's history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory._settings import require_integer

if TYPE_CHECKING:
    from jaxtyping import Float


def legs(
    size: int,
) -> tuple[Float[np.ndarray, "state state"], Float[np.ndarray, " state"]]:
    r"""HiPPO-LegS, the whole history scaled to one interval.

    .. math:: A_{nk} = -\begin{cases} \sqrt{(2n+1)(2k+1)} & n > k \\ n + 1 & n = k \\
              0 & n < k \end{cases}, \qquad B_n = \sqrt{2n+1}.

    The state of :math:`\dot x = (A x + B u) / t` is, at every t and without error,
    :math:`x_n(t) = \int_0^1 u(ts)\, g_n(s)\, ds` with the normalised Legendre polynomials
    :math:`g_n(s) = \sqrt{2n+1}\, P_n(2s - 1)`. Without the division by t, as S4 runs it,
    :math:`\dot x = A x + B u`, the state holds the same integrals over the exponentially warped
    history, :math:`x_n(t) = \int_0^\infty u(t - \tau)\, g_n(e^{-\tau}) e^{-\tau} d\tau`.

    Parameters
    ----------
    size
        Number of states, the degrees 0, ..., size - 1.

    Returns
    -------
    A and B, float64. The eigenvalues of A are -1, ..., -size.

    References
    ----------
    Gu, Dao, Ermon, Rudra, Ré, arXiv 2008.07669, theorem 2; Gu, Johnson, Timalsina, Rudra, Ré,
    arXiv 2206.12037, for the equation without 1/t.

    Examples
    --------
    >>> legs(2)[0].round(3).tolist(), legs(2)[1].round(3).tolist()
    ([[-1.0, 0.0], [-1.732, -2.0]], [1.0, 1.732])
    """
    require_integer("size", size, 1)
    norm = np.sqrt(2 * np.arange(size) + 1.0)
    return np.tril(-np.outer(norm, norm), -1) - np.diag(np.arange(size) + 1.0), norm
