"""The linear recurrent unit."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory.checks import require_flag, require_integer, require_positive

from .. import ops
from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig, check_sequence
from .parts.bidirectional import require_causal, scanned
from .parts.complex_map import complex_normal, drive, read
from .parts.start import Start, check_start
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LRUConfig(MixerConfig):
    r"""Linear recurrent unit.

    .. math:: h_k = \lambda \odot h_{k-1} + \gamma \odot B u_k, \quad
              y_k = \mathrm{Re}(C h_k) + D u_k, \qquad
              \lambda = \exp(-e^{\nu} + i e^{\theta}), \quad \gamma = \sqrt{1 - |\lambda|^2}
              \text{ at first.}

    Parameters
    ----------
    state_dim
        Number of complex states, at least 1; no pairs are formed, so odd numbers are fine.
    min_modulus, max_modulus
        The eigenvalues start uniformly (in area) on this ring, 0 <= min < max <= 1.
    max_phase
        Their phases start uniformly on (0, max_phase].
    bidirectional
        Whether a second scan, of the same system, runs backwards in time; its states stand behind
        those of the first, and C has as many columns more. The mixer is then not causal and has no
        `step`.
    start
        "own" as said in the notes, or "published": C of variance 2 / state_dim. The published ring
        reaches `max_modulus=1.0`.

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
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

    def build(self, width: int) -> LRU:
        """Draw the module."""
        return LRU(self, width)


class LRU(Recurrent):
    """Module of `LRUConfig`."""

    def __init__(self, config: LRUConfig, width: int):
        super().__init__()
        self.width, self.bidirectional = width, config.bidirectional
        low, high = config.min_modulus**2, config.max_modulus**2
        # 1 - rand() lies in (0, 1], so that neither logarithm below sees a zero.
        squared = low + (high - low) * (1 - torch.rand(config.state_dim))
        squared = squared.clamp_max(1 - torch.finfo(squared.dtype).eps)
        phase = config.max_phase * (1 - torch.rand(config.state_dim))
        self.log_decay = StateParameter((-0.5 * squared.log()).log())
        self.log_phase = StateParameter(phase.log())
        self.log_gain = StateParameter(0.5 * torch.log1p(-squared))
        self.B = complex_normal(config.state_dim, width, variance=1 / width)
        variance = (2 if config.start == "published" else 1) / config.state_dim
        columns = (2 if config.bidirectional else 1) * config.state_dim
        self.C = complex_normal(width, columns, variance=variance)
        self.D = nn.Parameter(torch.randn(width))

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, " state"]:
        """Transition of each state, inside the unit circle."""
        exponent = torch.stack((-self.log_decay.exp(), self.log_phase.exp()), -1)
        return torch.exp(as_complex(exponent))

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Scan over time."""
        check_sequence(x, self.width)
        driven, both = self._drive(x), self.bidirectional
        return self._read(scanned(self.eigenvalues, driven, bidirectional=both), x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Zero."""
        require_causal(self, bidirectional=self.bidirectional)
        return torch.zeros_like(self.eigenvalues).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scan from a state."""
        h = ops.linear_scan(self.eigenvalues, self._drive(x), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        self.check_step(x_k, state)
        state = self.eigenvalues * state + self._drive(x_k)
        return self._read(state, x_k), state

    def _drive(self, x: torch.Tensor) -> torch.Tensor:
        return drive(x, self.log_gain.exp()[:, None] * as_complex(self.B))

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return read(h, as_complex(self.C)) + self.D * x
