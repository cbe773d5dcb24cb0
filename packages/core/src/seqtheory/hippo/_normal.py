"""The normal part of HiPPO-LegS, from which S4D and S5 start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Complex


def normal_part(
    size: int,
) -> tuple[Complex[np.ndarray, " state"], Complex[np.ndarray, "state state"]]:
    r"""Eigenvalues and orthonormal eigenvectors of HiPPO-N.

    .. math:: S_{nk} = A_{nk} + P_n P_k = -\tfrac12 \delta_{nk} + K_{nk}, \qquad
              K_{nk} = \mp\sqrt{(n + \tfrac12)(k + \tfrac12)} \quad (n \gtrless k),

    where A is HiPPO-LegS and :math:`P_n = \sqrt{n + 1/2}`. K is antisymmetric, so every eigenvalue
    has real part -1/2, and they come in conjugate pairs (one is real if `size` is odd).

    Returns
    -------
    Eigenvalues in descending order of their imaginary part, and the eigenvectors as columns.

    Notes
    -----
    The eigenvalues are taken from the Hermitian matrix -iK, so their real part is -1/2 exactly.

    References
    ----------
    Gu et al., arXiv 2206.11893 (S4D), section 4; Smith et al., arXiv 2208.04933 (S5), appendix B.
    """
    root = np.sqrt(np.arange(size) + 0.5)
    outer = np.outer(root, root)
    antisymmetric = np.triu(outer, 1) - np.tril(outer, -1)
    imaginary, vectors = np.linalg.eigh(-1j * antisymmetric)
    return -0.5 + 1j * imaginary[::-1], vectors[:, ::-1]
