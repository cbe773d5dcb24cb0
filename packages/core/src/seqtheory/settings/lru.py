"""The linear recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from seqtheory.checks import (
    require_flag,
    require_integer,
    require_positive,
)
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .state_space import Directed, Start, check_start


@dataclass(frozen=True, kw_only=True)
class LRU(Directed):
    r"""Linear recurrent unit.

    .. math:: h_k = \lambda \odot h_{k-1} + \gamma \odot B u_k, \quad
              y_k = \mathrm{Re}(C h_k) + D u_k, \qquad
              \lambda = \exp(-e^{\nu} + i e^{\theta}), \quad \gamma = \sqrt{1 - |\lambda|^2}
              \text{ at first.}

    Parameters
    ----------
    state_dim
        Number of complex states, at least 1, even or odd: no conjugate pairs are formed.
    min_modulus, max_modulus
        The eigenvalues start uniformly (in area) on this ring, 0 <= min < max <= 1.
    max_phase
        Their phases start uniformly on (0, max_phase].
    bidirectional
        Whether a second scan of the same system runs backwards in time. Its states are appended to
        those of the first, and C has twice the columns. The mixer is then not causal and has no
        `step`.
    start
        "own" as said in the notes, or "published": C of variance 2 / state_dim, and B is a
        parameter of the recurrence, which weight decay leaves alone. The published ring reaches
        `max_modulus=1.0`, and its phases `max_phase=6.28`.

    Notes
    -----
    Gamma is a free parameter after initialisation (its logarithm is trained), as in the paper.
    B, C and D start with variances 1 / width, 1 / state_dim and 1.

    References
    ----------
    Orvieto et al., arXiv 2303.06349, section 3 and appendix A; the published start is that of
    NicolasZucchet/minimal-LRU at bbd71b1.
    """

    state_dim: int = 64
    min_modulus: float = 0.0
    max_modulus: float = 0.99
    max_phase: float = 2 * pi
    bidirectional: bool = False
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_positive("min_modulus", self.min_modulus, zero_allowed=True)
        require_positive("max_modulus", self.max_modulus)
        require_positive("max_phase", self.max_phase)
        require_flag("bidirectional", self.bidirectional)
        check_start(self.start)
        if not self.min_modulus < self.max_modulus <= 1:
            raise ValueError(
                f"got min_modulus={self.min_modulus} and max_modulus={self.max_modulus}, expected "
                "0 <= min_modulus < max_modulus <= 1."
            )

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, the same for all inputs."""
        if not self.causal:
            return "none"
        return Transition("diagonal", "complex", input_dependent=False)
