"""S4 in the form that the linear-CDE paper trains: a selective scan with fixed parameters."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_flag, require_integer

from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig
from .parts.complex_map import complex_normal
from .parts.diagonal_convolution import DiagonalConvolution
from .parts.step_size import check_steps, log_steps


@dataclass(frozen=True, kw_only=True)
class S4Config(MixerConfig):
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
        [0.001, 0.1]. True does the same; every published number of this "S4" has it.
    dt_min, dt_max
        exp(log step) of the channels starts log-uniformly between these.
    skip
        Whether the term D u is present; D starts from 1.

    Notes
    -----
    The parameters do not change with time, so the scan is a convolution, with kernel
    :math:`2\,\mathrm{Re} \sum_n C_n B_n \Delta e^{l \Delta A_n}`, and is computed as one, in
    O(batch width time log time) and without a state per position. Re A is kept negative as
    -exp(.). B and C start complex normal with Xavier's variance 2 / (width + N).

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

    def build(self, width: int) -> S4:
        """Draw the module."""
        return S4(self, width)


class S4(DiagonalConvolution):
    """Module of `S4Config`."""

    def __init__(self, config: S4Config, width: int):
        super().__init__()
        self.width, self.published_step = width, config.published_step
        shape = (width, config.state_dim)
        self.log_decay = StateParameter(torch.full(shape, 0.5).log())
        harmonics = torch.arange(1, config.state_dim + 1).expand(shape)
        self.frequency = StateParameter(pi * harmonics.to(torch.get_default_dtype()))
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        self.B = complex_normal(*shape, variance=2 / sum(shape))
        self.C = complex_normal(*shape, variance=2 / sum(shape))
        self.D = nn.Parameter(torch.ones(width)) if config.skip else None

    @property
    def dt(self) -> Float[torch.Tensor, "width 1"]:
        """Step of each channel."""
        dt = self.log_dt.exp()
        return functional.softplus(dt) if self.published_step else dt

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width state"]:
        """A of each channel."""
        return as_complex(torch.stack((-self.log_decay.exp(), self.frequency), -1))

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Exponents, and Euler's gain: the step."""
        return self.dt * self.eigenvalues, self.dt
