"""S4 in the form that the linear-CDE paper trains: a selective scan with fixed parameters."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import (
    require_flag,
    require_integer,
)
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass
from .state_space import check_steps


@dataclass(frozen=True, kw_only=True)
class S4(Mixer):
    r"""Diagonal state-space model per channel with an Euler input step, as published.

    .. math:: h_k = e^{\Delta A} h_{k-1} + \Delta B u_k, \qquad
              y_k = 2\,\mathrm{Re}(C h_k) + D u_k, \qquad
              A_n = -\tfrac12 + i \pi n, \quad n = 1, \dots, N \text{ at first.}

    Parameters
    ----------
    state_dim
        N, complex states per channel, each standing for a conjugate pair (so any N will do; S4D
        with the same number of states has `state_dim=2 * N`).
    published_step
        The published code passes :math:`\Delta = e^{\log \Delta}` to a scan that applies softplus
        again, so that its step is softplus(exp(.)), in [0.6936, 0.7444] at first instead of
        [0.001, 0.1]. True reproduces that step, which every published number of this "S4" has.
    dt_min, dt_max
        exp(log step) of the channels starts log-uniformly between these.
    skip
        Whether the term D u is present; D starts from 1.

    Notes
    -----
    Re A is kept negative as -exp(.). B and C start complex normal with Xavier's variance
    2 / (width + N).

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, section 5 and its code.
    """

    state_dim: int = 64
    published_step: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("published_step", self.published_step)
        check_steps(self.dt_min, self.dt_max)
        require_flag("skip", self.skip)

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, the same for all inputs."""
        return Transition("diagonal", "complex", input_dependent=False)
