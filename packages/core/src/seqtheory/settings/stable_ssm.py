"""StableSSM: a diagonal state-space model per channel, with any reparameterised decay."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_positive,
)
from seqtheory.expressivity import Transition
from seqtheory.reparameterisation import Best, Direct, Reparameterisation

from .mixer import Mixer, TransitionClass
from .parameterisation import check_parameterisation
from .state_space import check_steps


@dataclass(frozen=True, kw_only=True)
class StableSSM(Mixer):
    r"""One diagonal state-space model per channel, discretised by zero-order hold.

    .. math:: h' = A h + u, \quad A_n = p(w_n) + i \omega_n, \qquad
              K_l = 2\,\mathrm{Re} \sum_n C_n \frac{e^{\Delta A_n} - 1}{A_n} e^{l \Delta A_n},
              \qquad y = \phi(K * u + D u),

    with n = 0, ..., N/2 - 1, one of each conjugate pair. At first p(w) is -`initial_rate` and
    :math:`\omega_n = \pi n`, as in S4D-Lin; with `Exp` this is S4D.

    Parameters
    ----------
    state_dim
        N, real states per channel: even, since N/2 conjugate pairs are stored.
    parameterisation
        The map p from trained weights to real parts, a continuous one of
        `seqtheory.reparameterisation`. The default is the paper's; the code published with it takes
        ``Best(b=0.1)``.
    activation
        The function :math:`\phi`: "gelu", as published, or "none".
    initial_rate
        How fast every mode decays at first, per unit of time.
    dt_min, dt_max
        Steps of the channels start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    upstream_sign
        With `Direct` the published code starts from Re A = +0.5: every mode grows, by
        :math:`e^{0.5 \Delta}` per step. True does the same.
    upstream_groups
        The published optimiser decays all parameters and gives all the same rate, although the
        model asks for less. True does the same: w, omega and log step are ordinary parameters.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, is out of range or contradicts another; it is named.

    Notes
    -----
    C starts complex normal of variance 1; B is 1 and not trained, since the kernel knows only the
    product B C. Unstable modes overflow: the output then is infinite or NaN.

    References
    ----------
    Wang, Li, arXiv 2311.14495, section 3. Gu, Gupta, Goel, Ré, arXiv 2206.11893 (S4D).
    """

    state_dim: int = 64
    parameterisation: Reparameterisation = field(default_factory=Best)
    activation: Literal["gelu", "none"] = "gelu"
    initial_rate: float = 0.5
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    upstream_sign: bool = False
    upstream_groups: bool = False

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        if self.state_dim % 2:
            raise ValueError(
                f"state_dim={self.state_dim} is odd, but states are stored as conjugate pairs; use "
                f"{self.state_dim + 1}."
            )
        check_parameterisation(self.parameterisation, (Reparameterisation,))
        require_choice("activation", self.activation, ("gelu", "none"))
        require_positive("initial_rate", self.initial_rate)
        check_steps(self.dt_min, self.dt_max)
        for name in ("skip", "upstream_sign", "upstream_groups"):
            require_flag(name, getattr(self, name))
        if self.upstream_sign and not isinstance(self.parameterisation, Direct):
            raise ValueError(
                "upstream_sign=True is a fault of the published direct parameterisation alone; got "
                f"{self.parameterisation}. Choose parameterisation=Direct(), or leave it False."
            )
        # A rate that cannot be reached is refused here, not when a model is built.
        self.parameterisation.inverse(np.array(self.parameterisation.limit - self.initial_rate))

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, the same for all inputs."""
        return Transition("diagonal", "complex", input_dependent=False)
