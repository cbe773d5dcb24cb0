r"""S4: a diagonal plus low-rank state-space model per channel, and how its kernel is computed.

A system of S4, M = (step / 2) A, is written in the real coordinates of its modes. A mode is a
complex number and stands for two real ones, so that

.. math:: M = \mathrm{diag}(\mu) - p p^\top, \qquad \langle u, v \rangle = \sum_n \mathrm{Re}(
          \bar u_n v_n), \qquad p p^\top v = p \langle p, v \rangle .

Its bilinear step is :math:`\bar A = (1 - M)^{-1} (1 + M)`, :math:`\bar B = 2 (1 - M)^{-1} b`, and
its response to an impulse is :math:`K_l = \langle c, \bar A^l \bar B \rangle`. The kernel at lags
0, ..., L - 1 follows from its generating function, without a power of the transition per lag:

.. math:: \hat K_k = \sum_l K_l e^{-2 \pi i k l / L}
          = e^{i \pi k / L} \langle \tilde c, (i \sigma_k - \gamma_k M)^{-1} b \rangle, \quad
          \tilde c = (1 - \bar A^L)^\top c, \quad
          \sigma_k = \sin \tfrac{\pi k}{L}, \; \gamma_k = \cos \tfrac{\pi k}{L},

and the inverse is that of a diagonal matrix, corrected by Woodbury's identity for p. Nothing is
divided by :math:`\gamma_k`, so that the node -1 (k = L / 2) needs no special treatment; the
correction divides by :math:`1 + \gamma \langle p, \cdot\, p \rangle`, whose real part is at least
1. The transition shrinks every vector in these coordinates, so its powers do not overflow. And
:math:`\tilde c` is exact to rounding of itself also where it is small, since what is squared is
:math:`X = \bar A^n - 1`, by :math:`(1 + X)^2 - 1 = 2 X + X^2`.

References
----------
Gu, Goel, Ré, arXiv 2111.00396, section 3.3 and appendix C.3; the sign of the low rank, which keeps
the system stable: Goel, Gu, Donahue, Ré, arXiv 2202.09729, section 4.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqtheory.checks import require_flag, require_integer
from seqtheory.hippo import clipped, diagonal_plus_low_rank

from .mixer import TransitionClass
from .state_space import Directed, Start, check_start, check_steps, fixed_transition, num_modes

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Complex


@dataclass(frozen=True, kw_only=True)
class S4DPLR(Directed):
    r"""S4: one state-space model per channel whose matrix is diagonal minus a rank of one.

    .. math:: h' = (\Lambda - P P^*) h + B u, \quad y = \mathrm{Re}(w C h) + D u, \qquad
              y = K * u + D u

    in one step by the bilinear rule, from HiPPO-LegS: :math:`\Lambda - P P^*` has its spectrum and
    B its input map, in the eigenvectors of its normal part. One state of each conjugate pair is
    stored, with w = 2; an odd `state_dim` has one real state more, with w = 1.

    Parameters
    ----------
    state_dim
        N, real states per channel, even or odd.
    bidirectional
        Whether a second kernel, of the same system and a C of its own, runs backwards in time. The
        mixer is then not causal and has no `step`.
    dt_min, dt_max
        Steps of the channels start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own", HiPPO's B, or "published", as in the code of state-spaces/s4 at e757cef, which clips
        its imaginary parts at 2 (`seqtheory.hippo.clipped`).

    Notes
    -----
    Re Lambda is kept negative as -exp(.), and with it the whole matrix stable. C starts complex
    normal of variance 1. C is that of the recurrence, whatever the length; what the paper trains in
    its place, :math:`C (1 - \bar A^L)`, follows from it in the kernel. There is no zero-order hold:
    the exponential of a diagonal plus low-rank matrix does not have that form. Imaginary parts of
    the real state are stored and have no effect.

    References
    ----------
    Gu, Goel, Ré, arXiv 2111.00396; -P P^* in place of -P Q^*: Goel, Gu, Donahue, Ré, arXiv
    2202.09729.
    """

    state_dim: int = 64
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("bidirectional", self.bidirectional)
        check_steps(self.dt_min, self.dt_max)
        check_start(self.start)
        require_flag("skip", self.skip)

    @property
    def transition_class(self) -> TransitionClass:
        """One matrix for all inputs, which is diagonal in its eigenvectors."""
        if not self.causal:
            return "none"
        return fixed_transition("bilinear", real=self.state_dim == 1)

    def first_system(self) -> tuple[Complex[np.ndarray, " mode"], ...]:
        """Give the initial Lambda, P and B, one state of each pair; a real one last."""
        form = diagonal_plus_low_rank(self.state_dim)
        A, P, B, _ = clipped(form) if self.start == "published" else form
        modes = num_modes(self.state_dim)
        return A[:modes], P[:modes], B[:modes]
