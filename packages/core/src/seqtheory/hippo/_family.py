"""What every HiPPO matrix has: a basis on an interval, and a normal part that is diagonalised."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory

if TYPE_CHECKING:
    from jaxtyping import Complex, Float
    from numpy.typing import ArrayLike


class HiPPO(ABC):
    r"""Matrices of :math:`\dot x = A x + B u` whose state holds coefficients of the history of u.

    .. math:: x_n(t) \approx \int_0^1 u\big(t - \text{age}(s)\big)\, g_n(s)\, ds, \qquad
              u\big(t - \text{age}(s)\big) \approx \sum_n x_n(t)\, g_n(s),

    with functions g orthonormal on [0, 1], where the position s = 1 is the present. Ages are in
    units of the time scale: with :math:`\dot x = (A x + B u) / \theta` they are multiples of theta.

    All members share the structure that S4 rests on, with K antisymmetric:

    .. math:: A = c\, I + K - P P^\top .
    """

    damping: ClassVar[float]
    """c, the common real part of all eigenvalues of the normal part c I + K."""

    def __call__(
        self, size: int
    ) -> tuple[Float[np.ndarray, "state state"], Float[np.ndarray, " state"]]:
        """Give A and B for `size` states, in float64."""
        require_states(size, matrices=4)
        return self._matrices(size)

    @abstractmethod
    def _matrices(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Give A and B."""

    @abstractmethod
    def low_rank(self, size: int) -> Float[np.ndarray, "state rank"]:
        """P."""

    @abstractmethod
    def antisymmetric(self, size: int) -> Float[np.ndarray, "state state"]:
        """K."""

    @abstractmethod
    def functions(self, size: int, positions: ArrayLike) -> Float[np.ndarray, "*position state"]:
        """Functions g_0, ..., g_{size-1} at positions in [0, 1]."""

    @abstractmethod
    def position(self, ages: ArrayLike) -> Float[np.ndarray, "*age"]:
        """Position s of an input of this age, in time scales."""

    def normal_part(
        self, size: int
    ) -> tuple[Complex[np.ndarray, " state"], Complex[np.ndarray, "state state"]]:
        """Eigenvalues of c I + K, imaginary part descending, and orthonormal eigenvectors.

        The eigenvalues are taken from the Hermitian matrix -iK, so their real part is c exactly.
        """
        require_states(size, matrices=8)
        imaginary, vectors = np.linalg.eigh(-1j * self.antisymmetric(size))
        return self.damping + 1j * imaginary[::-1], vectors[:, ::-1]


def require_states(size: int, *, vectors: int = 4, matrices: int = 0) -> None:
    """Raise unless `size` is an integer of at least 1 and its arrays fit in memory."""
    require_integer("size", size, 1)
    require_memory(8 * size * (vectors + matrices * size), f"HiPPO of size={size:,}")


def normed(values: ArrayLike, name: str) -> Float[np.ndarray, "*shape"]:
    """`values` as float64, refused outside [0, 1]."""
    array = as_array(values, dtype=np.float64)
    if not np.all((array >= 0) & (array <= 1)):  # written so that NaN fails too
        raise ValueError(
            f"{name} must lie between 0 and 1, but run from {np.min(array)} to {np.max(array)}."
        )
    return array
