"""HiPPO as the published S4 starts from it: with an input of bounded imaginary parts."""

from __future__ import annotations

import numpy as np

from seqtheory.checks import require_positive
from seqtheory.hippo._low_rank import DPLR


def clipped(form: DPLR, bound: float = 2.0) -> DPLR:
    r"""Clip the imaginary parts of a system's input, as the published code of S4 does.

    The result depends on the phases of the eigenvectors, which are free. As in the published code,
    each eigenvector is rotated so that its first component is real; one whose first component is
    zero is not rotated:

    .. math:: u_n = V_{0n} / |V_{0n}|, \qquad
              \tilde B_n = \mathrm{Re}(u_n B_n) + i\, \mathrm{clip}(\mathrm{Im}(u_n B_n)), \qquad
              \tilde P_n = u_n P_n, \qquad \tilde V_n = \bar u_n V_n

    Parameters
    ----------
    form
        From `diagonal_plus_low_rank`.
    bound
        Largest modulus of an imaginary part.

    Notes
    -----
    With 64 states 22 inputs are clipped and the largest falls from 40.8 to 2.0. The system is then
    no longer HiPPO's.

    References
    ----------
    state-spaces/s4 at e757cef, `src/models/hippo/hippo.py`, `nplr` (B_clip=2.0).

    Examples
    --------
    >>> from seqtheory.hippo import clipped, diagonal_plus_low_rank
    >>> form = diagonal_plus_low_rank(64)
    >>> float(abs(form.input).max().round(1)), float(abs(clipped(form).input).max().round(1))
    (40.8, 2.0)
    """
    require_positive("bound", bound)
    first = form.eigenvectors[0]
    size = np.abs(first)
    some = size > np.finfo(size.dtype).eps
    turn = np.divide(first, size, out=np.ones_like(first), where=some)
    drive = turn * form.input
    return DPLR(
        form.eigenvalues,
        form.low_rank * (turn if form.low_rank.ndim == 1 else turn[:, None]),
        drive.real + 1j * np.clip(drive.imag, -bound, bound),
        form.eigenvectors * turn.conj(),
    )
