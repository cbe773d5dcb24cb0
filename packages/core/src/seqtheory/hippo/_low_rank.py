"""HiPPO matrices as a diagonal minus a low rank, in the eigenvectors of their normal part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from seqtheory._settings import require_integer
from seqtheory.hippo._matrices import legs
from seqtheory.hippo._normal import normal_part

if TYPE_CHECKING:
    from jaxtyping import Complex


class DPLR(NamedTuple):
    r"""A system :math:`\dot x = A x + B u` in coordinates :math:`V^* x`.

    .. math:: V^* A V = \mathrm{diag}(\Lambda) - P P^*
    """

    eigenvalues: Complex[np.ndarray, " state"]
    low_rank: Complex[np.ndarray, " state"]
    input: Complex[np.ndarray, " state"]
    eigenvectors: Complex[np.ndarray, "state state"]


def diagonal_plus_low_rank(size: int) -> DPLR:
    r"""HiPPO-LegS as a diagonal minus a rank of one.

    .. math:: A = V (\mathrm{diag}(\Lambda) - P P^*) V^*, \qquad B = V \tilde B

    Parameters
    ----------
    size
        Number of states.

    Returns
    -------
    Lambda, :math:`P = V^* \sqrt{n + 1/2}`, the input in these coordinates :math:`V^* B`, and V.
    All states are given, in descending order of the imaginary part of Lambda; state j and state
    size - 1 - j are exact conjugates, and with an odd size the middle one is real.

    Notes
    -----
    Eigenvectors are given up to a phase; it is chosen here so that P and the input are positive.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396, theorem 1 and appendix C.1.
    """
    require_integer("size", size, 1)
    values, vectors = normal_part(size)
    _, read_in = legs(size)
    projected = vectors.conj().T @ read_in
    vectors = vectors * (projected / np.abs(projected))
    weight = _paired(np.abs(projected)).astype(complex)
    imaginary = (values.imag - values.imag[::-1]) / 2
    return DPLR(
        values.real + 1j * imaginary, weight / np.sqrt(2), weight, _paired(vectors, vectors.conj())
    )


def _paired(columns: np.ndarray, partners: np.ndarray | None = None) -> np.ndarray:
    """Mean of each entry (or column) and the one that is its conjugate up to rounding."""
    return (columns + (columns if partners is None else partners)[..., ::-1]) / 2
