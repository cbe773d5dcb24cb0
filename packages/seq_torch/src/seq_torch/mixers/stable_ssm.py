"""StableSSM: a diagonal state-space model per channel, with any reparameterised decay."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import pi
from typing import Literal

import torch
from jaxtyping import Complex
from torch import nn
from torch.nn import functional

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_positive,
)
from seqtheory.reparameterisation import Best, Direct, Reparameterisation

from ..parameter import StateParameter, as_complex
from ..reparameterisation import check_parameterisation, initial_weights, rate
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.diagonal_convolution import DiagonalConvolution
from .parts.step_size import check_steps, log_steps


@dataclass(frozen=True, kw_only=True)
class StableSSMConfig(MixerConfig):
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
    product B C. The kernel takes memory O(width state sqrt(time)), the convolution
    O(batch time width) by FFT. Unstable modes overflow: the output then is infinite or NaN.

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
        initial_weights(self.parameterisation, torch.tensor(self.initial_rate, device="cpu"))

    def build(self, width: int) -> StableSSM:
        """Draw the module."""
        return StableSSM(self, width)


class StableSSM(DiagonalConvolution):
    """Module of `StableSSMConfig`."""

    def __init__(self, config: StableSSMConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        mark = nn.Parameter if config.upstream_groups else StateParameter
        shape = (width, config.state_dim // 2)
        start = -config.initial_rate if config.upstream_sign else config.initial_rate
        self.w = mark(initial_weights(config.parameterisation, torch.full(shape, start)))
        harmonics = torch.arange(shape[1]).expand(shape)
        self.frequency = mark(pi * harmonics.to(torch.get_default_dtype()))
        self.log_dt = mark(log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max))
        self.B = None
        self.C = complex_normal(*shape, variance=1.0)
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width pair"]:
        """A of each channel."""
        return as_complex(
            torch.stack((-rate(self.config.parameterisation, self.w), self.frequency), -1)
        )

    def read(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Apply the activation to the output."""
        y = super().read(y, x)
        return functional.gelu(y) if self.config.activation == "gelu" else y
