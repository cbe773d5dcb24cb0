"""HiPPO matrices as a diagonal minus a low rank, in the eigenvectors of their normal part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqtheory.hippo._family import HiPPO
from seqtheory.hippo._legendre import legs

if TYPE_CHECKING:
    from jaxtyping import Complex


class DPLR(NamedTuple):
    r"""A system :math:`\dot x = A x + B u` in the coordinates :math:`V^* x`.

    .. math:: V^* A V = \mathrm{diag}(\Lambda) - P P^*, \qquad \tilde B = V^* B,
              \qquad \tilde C = C V
    """

    eigenvalues: Complex[np.ndarray, " state"]
    """Lambda, the eigenvalues of the normal part."""
    low_rank: Complex[np.ndarray, " state"] | Complex[np.ndarray, "state rank"]
    """P; a vector if its rank is one."""
    input: Complex[np.ndarray, " state"]
    """B in these coordinates."""
    eigenvectors: Complex[np.ndarray, "state state"]
    """V, unitary."""

    @property
    def columns(self) -> Complex[np.ndarray, "state rank"]:
        """P with an axis for its rank, even if that is one."""
        return self.low_rank.reshape(len(self.eigenvalues), -1)

    @property
    def matrix(self) -> Complex[np.ndarray, "state state"]:
        """diag(Lambda) - P P^*, dense."""
        return np.diag(self.eigenvalues) - self.columns @ self.columns.conj().T


def normal_part(
    size: int, family: HiPPO = legs
) -> tuple[Complex[np.ndarray, " state"], Complex[np.ndarray, "state state"]]:
    r"""Eigenvalues and orthonormal eigenvectors of the normal part of a HiPPO matrix.

    .. math:: A + P P^\top = c\, I + K

    K is antisymmetric, so every eigenvalue has real part c, and they come in conjugate pairs (one
    is real if `size` is odd). Of HiPPO-LegS, :math:`P_n = \sqrt{n + 1/2}`, c = -1/2 and
    :math:`K_{nk} = \mp\sqrt{(n + \tfrac12)(k + \tfrac12)}` for :math:`n \gtrless k`: HiPPO-N, from
    which S4D and S5 start.

    Parameters
    ----------
    size
        Number of states.
    family
        `legs` (the default), `legt` or `fourier`.

    Returns
    -------
    Eigenvalues in descending order of their imaginary part, and the eigenvectors as columns.

    References
    ----------
    Gu et al., arXiv 2206.11893 (S4D), section 4; Smith et al., arXiv 2208.04933 (S5), appendix B.
    """
    return family.normal_part(size)


def diagonal_plus_low_rank(size: int, family: HiPPO = legs) -> DPLR:
    r"""HiPPO matrix as a diagonal minus a low rank.

    .. math:: A = V (\mathrm{diag}(\Lambda) - P P^*) V^*, \qquad B = V \tilde B

    Parameters
    ----------
    size
        Number of states.
    family
        `legs` (the default), `legt` or `fourier`.

    Returns
    -------
    Lambda; P, of shape (state,), or (state, 2) of LegT, whose rank is two; the input; and V. All
    states are given, in descending order of the imaginary part of Lambda. States j and
    size - 1 - j are exact conjugates, so one of them can be left out, and with an odd size the
    one in the middle is real.

    Notes
    -----
    Eigenvectors are determined up to a phase. It is chosen so that the input is positive, and so is
    P if its rank is one.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, theorem 1 and appendix C.1; arXiv 2206.12037 for Fourier.

    Examples
    --------
    >>> form = diagonal_plus_low_rank(4)
    >>> form.eigenvalues.round(3).tolist()
    [(-0.5+4.603j), (-0.5+0.557j), (-0.5-0.557j), (-0.5-4.603j)]
    >>> V = form.eigenvectors
    >>> bool(np.allclose(V @ form.matrix @ V.conj().T, legs(4)[0]))
    True
    """
    _, drive = family(size)
    values, vectors = normal_part(size, family)
    projected = vectors.conj().T @ drive
    vectors = _paired((vectors * (projected / np.abs(projected))).T).T
    low_rank = _paired(vectors.conj().T @ family.low_rank(size))
    return DPLR(
        _paired(values),
        low_rank[:, 0] if low_rank.shape[1] == 1 else low_rank,
        _paired(np.abs(projected).astype(complex)),
        vectors,
    )


def _paired(rows: np.ndarray) -> np.ndarray:
    """Make each row the exact conjugate of its mirror image, which it is up to rounding."""
    return (rows + rows[::-1].conj()) / 2
