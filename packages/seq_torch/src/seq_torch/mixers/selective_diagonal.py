"""A diagonal recurrence whose complex transition depends on the input."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from seqtheory.checks import require_flag, require_integer, require_positive

from .. import ops
from ..parameter import StateParameter, as_complex, require_full_precision
from .mixer import MixerConfig
from .parts.complex_map import complex_normal, drive, read
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class SelectiveDiagonalConfig(MixerConfig):
    r"""Diagonal recurrence with an input-dependent decay and an input-dependent rotation.

    .. math:: h_k = \lambda(x_k) \odot h_{k-1} + \sqrt{1 - |\lambda(x_k)|^2} \odot B x_k, \qquad
              \lambda(x) = \exp(-\mathrm{softplus}(W x + b) + i (V x + c)), \qquad
              y_k = \mathrm{Re}(C h_k) + D x_k.

    Each state multiplies numbers in the unit disc, so products of transitions commute. One layer
    can follow every abelian group (turn state j by the value of the j-th character), and no other.

    Parameters
    ----------
    state_dim
        Number of complex states, at least 1.
    unit_modulus
        Whether \|lambda\| is 1: no decay, and the input then enters by rotation alone.
    phase_scale
        Standard deviation of the initial phases V x, in radians, for x of independent N(0, 1)
        entries. The default spreads them over the circle.

    Notes
    -----
    The initial state h_0 is trained and starts at 1 in every state: a rotation of zero would
    remain zero. The drive is normalised as in the linear recurrent unit, so that \|h\| stays
    bounded for every input, and vanishes at unit modulus. With decay, b starts at -4: a state
    keeps half of its modulus for about 38 steps.

    W, b, V and c place the eigenvalues, so they are parameters of the recurrence
    (`StateParameter`), as the matrices of a linear CDE are: weight decay would turn every rotation
    back towards none. h_0, B, C and D are not.

    References
    ----------
    The model class of arXiv 2603.01959 (diagonal complex input-dependent recurrences); Grazzi et
    al., arXiv 2411.12537, theorem 2, on why the phase must be free. Drive as in Orvieto et al.,
    arXiv 2303.06349.
    """

    state_dim: int = 64
    unit_modulus: bool = False
    phase_scale: float = pi

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("unit_modulus", self.unit_modulus)
        require_positive("phase_scale", self.phase_scale, zero_allowed=True)

    def build(self, width: int) -> SelectiveDiagonal:
        """Draw the module."""
        return SelectiveDiagonal(self, width)


class SelectiveDiagonal(Recurrent):
    """Module of `SelectiveDiagonalConfig`."""

    def __init__(self, config: SelectiveDiagonalConfig, width: int):
        super().__init__()
        self.width = width
        self.phase = _eigenvalue_map(width, config.state_dim)
        nn.init.normal_(self.phase.weight, std=config.phase_scale / width**0.5)
        nn.init.zeros_(self.phase.bias)
        start = torch.stack((torch.ones(config.state_dim), torch.zeros(config.state_dim)), -1)
        self.start = nn.Parameter(start)
        self.decay = None if config.unit_modulus else _eigenvalue_map(width, config.state_dim)
        self.B = None
        if self.decay is not None:
            nn.init.constant_(self.decay.bias, -4.0)
            self.B = complex_normal(config.state_dim, width, variance=1 / width)
        self.C = complex_normal(width, config.state_dim, variance=1 / config.state_dim)
        self.D = nn.Parameter(torch.ones(width))

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Give the trained start."""
        return as_complex(self.start).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scan over time."""
        h = ops.linear_scan(*self._recurrence(x), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        self.check_step(x_k, state)
        transition, driven = self._recurrence(x_k)
        state = transition * state + driven
        return self._read(state, x_k), state

    def _recurrence(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Transition and drive at each position."""
        require_full_precision(self.start.dtype, "complex states")
        phase = self.phase(x).to(self.start.dtype)
        if self.decay is None or self.B is None:
            transition = torch.polar(torch.ones_like(phase), phase)
            return transition, torch.zeros_like(transition)
        # The floor keeps the slope of the square root below finite where softplus underflows.
        rate = functional.softplus(self.decay(x).to(phase.dtype)).clamp_min(1e-12)
        gain = torch.sqrt(-torch.expm1(-2 * rate))
        return torch.polar(torch.exp(-rate), phase), gain * drive(x, as_complex(self.B))

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return read(h, as_complex(self.C)) + self.D * x


def _eigenvalue_map(width: int, state_dim: int) -> nn.Linear:
    """Linear map whose parameters are those of the recurrence: they place its eigenvalues."""
    made = nn.Linear(width, state_dim)
    made.weight = StateParameter(made.weight.detach())
    made.bias = StateParameter(made.bias.detach())
    return made
