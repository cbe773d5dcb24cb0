"""LegS and LegT: states that are Legendre coefficients of the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial.legendre import legvander

from seqtheory._array import as_array
from seqtheory.hippo._family import HiPPO, normed, require_states

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


class _Legendre(HiPPO):
    def functions(self, size: int, positions: ArrayLike) -> Float[np.ndarray, "*position state"]:
        """Normalised Legendre polynomials sqrt(2n + 1) P_n(2s - 1)."""
        s = normed(positions, "positions")
        require_states(size, vectors=4 + 4 * s.size)
        return legvander(2 * s - 1, size - 1) * _norms(size)


class LegS(_Legendre):
    r"""HiPPO-LegS: the whole history, scaled.

    .. math:: A_{nk} = -\begin{cases} \sqrt{(2n+1)(2k+1)} & n > k \\ n + 1 & n = k \\
              0 & n < k \end{cases}, \qquad B_n = \sqrt{2n+1}, \qquad
              g_n(s) = \sqrt{2n+1}\, P_n(2s - 1).

    These matrices serve two equations. In both, the state equals the coefficients exactly:

    - :math:`\dot x = (A x + B u) / t` holds all of the past at an even scale, and the position
      is s = 1 - age/t;
    - :math:`\dot x = A x + B u`, which S4 runs, holds it on a scale that shrinks with age,
      :math:`s = e^{-\text{age}}`: the further back, the coarser.

    Its eigenvalues are -1, ..., -size; those of its normal part have real part -1/2.

    References
    ----------
    Gu, Dao, Ermon, Rudra, Ré, arXiv 2008.07669, theorem 2 (the first equation); Gu, Johnson,
    Timalsina, Rudra, Ré, arXiv 2206.12037 (the second).

    Examples
    --------
    >>> from seqtheory.hippo import legs
    >>> A, B = legs(2)
    >>> A.round(3).tolist(), B.round(3).tolist()
    ([[-1.0, 0.0], [-1.732, -2.0]], [1.0, 1.732])
    """

    damping = -0.5

    def _matrices(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        norm = _norms(size)
        return np.tril(-np.outer(norm, norm), -1) - np.diag(np.arange(size) + 1.0), norm

    def low_rank(self, size: int) -> Float[np.ndarray, "state rank"]:
        """sqrt(n + 1/2), of rank one."""
        require_states(size)
        return np.sqrt(np.arange(size) + 0.5)[:, None]

    def antisymmetric(self, size: int) -> Float[np.ndarray, "state state"]:
        """-sqrt((n + 1/2)(k + 1/2)) below the diagonal, the opposite above."""
        require_states(size, matrices=4)
        root = np.sqrt(np.arange(size) + 0.5)
        outer = np.outer(root, root)
        return np.triu(outer, 1) - np.tril(outer, -1)

    def position(self, ages: ArrayLike) -> Float[np.ndarray, "*age"]:
        """exp(-age), in the equation that is not divided by t."""
        array = as_array(ages, dtype=np.float64)
        if not np.all(array >= 0):
            raise ValueError(f"ages must be zero or positive, but hold {np.min(array)}.")
        return np.exp(-array)


class LegT(_Legendre):
    r"""HiPPO-LegT: a window, from one time scale ago until now.

    .. math:: A_{nk} = -\sqrt{(2n+1)(2k+1)} \begin{cases} 1 & n \ge k \\ (-1)^{n-k} & n < k
              \end{cases}, \qquad B_n = \sqrt{2n+1}.

    The position is s = 1 - age. The value that leaves the window, u(t - 1), is taken from the
    state's own reconstruction. The state is therefore exact for polynomials of degree below its
    size, and its reconstruction of u(t - 1) is the Padé approximant of the delay. The low-rank part
    has rank two: one column for even degrees, one for odd. The eigenvalues of the normal part are
    imaginary.

    References
    ----------
    Gu, Dao, Ermon, Rudra, Ré, arXiv 2008.07669, theorem 1; the Legendre memory unit of Voelker,
    Kajić and Eliasmith (2019) differs from it in scale and sign.

    Examples
    --------
    >>> from seqtheory.hippo import legt
    >>> legt(2)[0].round(3).tolist()
    [[-1.0, 1.732], [-1.732, -3.0]]
    """

    damping = 0.0

    def _matrices(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        norm = _norms(size)
        return np.where(_above(size) & _odd_apart(size), 1.0, -1.0) * np.outer(norm, norm), norm

    def low_rank(self, size: int) -> Float[np.ndarray, "state rank"]:
        """sqrt(2n + 1) at even n, and at odd n."""
        require_states(size)
        even = np.arange(size) % 2 == 0
        return _norms(size)[:, None] * np.stack([even, ~even], axis=1)

    def antisymmetric(self, size: int) -> Float[np.ndarray, "state state"]:
        """Entries of A where n - k is odd, else 0."""
        require_states(size, matrices=4)
        return np.where(_odd_apart(size), self._matrices(size)[0], 0.0)

    def position(self, ages: ArrayLike) -> Float[np.ndarray, "*age"]:
        """1 - age: the window ends at age 1."""
        return 1.0 - normed(ages, "ages in the window")


legs = LegS()
legt = LegT()


def _norms(size: int) -> np.ndarray:
    return np.sqrt(2 * np.arange(size) + 1.0)


def _above(size: int) -> np.ndarray:
    n = np.arange(size)
    return n[:, None] < n


def _odd_apart(size: int) -> np.ndarray:
    n = np.arange(size)
    return (n[:, None] - n) % 2 == 1
