"""S4: a diagonal plus low-rank state-space model per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seqtheory.checks import require_flag, require_integer
from seqtheory.hippo import clipped, diagonal_plus_low_rank

from .mixer import Mixer
from .state_space import Start, check_start, check_steps, num_modes

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Complex


@dataclass(frozen=True, kw_only=True)
class S4DPLR(Mixer):
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
    the exponential of such a matrix is not of its kind. Imaginary parts of the real state are
    stored and have no effect.

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
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

    def first_system(self) -> tuple[Complex[np.ndarray, " mode"], ...]:
        """Give the initial Lambda, P and B, one state of each pair; a real one last."""
        form = diagonal_plus_low_rank(self.state_dim)
        A, P, B, _ = clipped(form) if self.start == "published" else form
        modes = num_modes(self.state_dim)
        return A[:modes], P[:modes], B[:modes]
