"""Fourier: a state that holds the Fourier coefficients of a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from seqtheory.hippo._family import HiPPO, normed, require_states

if TYPE_CHECKING:
    from jaxtyping import Float
    from numpy.typing import ArrayLike


class Fourier(HiPPO):
    r"""HiPPO-Fourier: Fourier coefficients of a window from one time scale ago until now.

    .. math:: g = (1, \sqrt2 \cos 2\pi s, \sqrt2 \sin 2\pi s, \sqrt2 \cos 4\pi s, \dots), \qquad
              b = g(0), \qquad A = K - 2 b b^\top, \qquad B = 2 b,

    where K turns the cosine of frequency f into its sine, :math:`K = 2\pi f` in the row of the
    cosine and the column of the sine. The position is s = 1 - age. At the ends of its interval a
    Fourier series converges to the mean of both end values. The value that leaves the window is
    therefore taken as :math:`u(t - 1) = 2\, b \cdot x - u(t)`, which is where the factors 2 come
    from. The state is exact for inputs of period 1 whose frequencies it all holds. The eigenvalues
    of the normal part are imaginary.

    Raises
    ------
    ValueError
        If the size is even: the last cosine would have no sine and no frequency of its own in K.
        The constant and that cosine would then both be at rest, and b b^T drives and damps only one
        combination of the two.

    References
    ----------
    Gu, Johnson, Timalsina, Rudra, Ré, arXiv 2206.12037 (S4-FouT). The first HiPPO paper, arXiv
    2008.07669, takes u(t - 1) as b x, without the twos.

    Examples
    --------
    >>> from seqtheory.hippo import fourier
    >>> fourier(3)[0].round(3).tolist()
    [[-2.0, -2.828, 0.0], [-2.828, -4.0, 6.283], [0.0, -6.283, 0.0]]
    """

    damping = 0.0

    def _matrices(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        if size % 2 == 0:
            raise ValueError(
                f"size={size} leaves a cosine without its sine, and one state without input; use "
                f"{size + 1} (or {size - 1}): a constant, and pairs."
            )
        b = self.functions(size, 0.0)
        return self.antisymmetric(size) - 2 * np.outer(b, b), 2 * b

    def low_rank(self, size: int) -> Float[np.ndarray, "state rank"]:
        """sqrt(2) b, of rank one."""
        require_states(size)
        return np.sqrt(2) * self.functions(size, 0.0)[:, None]

    def antisymmetric(self, size: int) -> Float[np.ndarray, "state state"]:
        """2 pi f between the cosine and the sine of frequency f."""
        require_states(size, matrices=4)
        turns = np.zeros(size - 1)
        turns[1::2] = 2 * np.pi * np.arange(1, len(turns[1::2]) + 1)
        return np.diag(turns, 1) - np.diag(turns, -1)

    def functions(self, size: int, positions: ArrayLike) -> Float[np.ndarray, "*position state"]:
        """Constant, cosine, sine, cosine, ..., orthonormal on [0, 1]."""
        s = normed(positions, "positions")[..., None]
        require_states(size, vectors=4 + 4 * s.size)
        n = np.arange(size)
        phases = 2 * np.pi * ((n + 1) // 2) * s
        waves = np.sqrt(2) * np.where(n % 2 == 1, np.cos(phases), np.sin(phases))
        return np.where(n == 0, 1.0, waves)

    def position(self, ages: ArrayLike) -> Float[np.ndarray, "*age"]:
        """1 - age: the window ends at age 1."""
        return 1.0 - normed(ages, "ages in the window")


fourier = Fourier()
