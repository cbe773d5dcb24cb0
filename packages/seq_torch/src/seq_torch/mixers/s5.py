"""S5: one state-space model with many inputs and outputs, by a scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Complex, Float
from torch import nn

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_memory,
    require_positive,
)
from seqtheory.hippo import normal_part

from .. import ops
from ..parameter import StateParameter, as_complex, as_pair
from .bidirectional import require_causal, scanned
from .complex_map import drive, read
from .mixer import MixerConfig, check_sequence
from .real_mode import num_modes, once_last, real_last
from .recurrent import Recurrent
from .start import Start, check_start, cut_off_normal
from .step_size import check_steps, log_steps


@dataclass(frozen=True, kw_only=True)
class S5Config(MixerConfig):
    r"""One diagonal state-space model over all channels.

    .. math:: h_k = \bar\Lambda h_{k-1} + \bar B u_k, \qquad
              y_k = 2\,\mathrm{Re}(C h_k) + D u_k,

    where Lambda starts from the eigenvalues of `blocks` copies of HiPPO-N of size P / blocks, and
    B and C are drawn in real coordinates and carried to its eigenvectors. A block of odd size has
    one real state, which counts once, without the 2.

    Parameters
    ----------
    state_dim
        P, the number of real states. With conjugate symmetry one complex state is stored for each
        pair, and one for the real state of each block of odd size.
    blocks
        Copies of HiPPO-N, a divisor of `state_dim`.
    conjugate_symmetry
        Whether only one state of each conjugate pair is kept. Without, all P are kept, free to
        move apart, and y = Re(C h) + D u (the s5-pytorch package).
    discretisation
        "zero_order_hold" or "bilinear".
    clip_eigenvalues
        Whether Re Lambda is kept at or below -1e-4.
    bidirectional
        Whether a second scan, of the same system, runs backwards in time; its states stand behind
        those of the first, and C has as many columns more. The mixer is then not causal and has no
        `step`.
    dt_min, dt_max
        Steps, one per state, start log-uniformly between these.
    step_scale
        Factor of all steps. A model that was trained on one sampling rate runs on inputs that are
        sampled twice as often with half its `step_scale`.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own" as said in the notes, or "published": B real of variance 1 / P, and C complex of
        variance 2 / P, from normals cut off at two deviations, before both are carried over.

    Raises
    ------
    ValueError
        If `blocks` does not divide `state_dim`.

    Notes
    -----
    B and C start normal with variances 1 / width and 1 / P. Without clipping Re Lambda may become
    positive in training and the scan overflow. Imaginary parts of the real states are stored and
    have no effect.

    References
    ----------
    Smith, Warrington, Linderman, arXiv 2208.04933, sections 3 and 4.3 and appendix B; the
    published start is that of lindermanlab/S5 at 3c18fdb, `s5/ssm_init.py` (lecun_normal).
    """

    state_dim: int = 64
    blocks: int = 1
    conjugate_symmetry: bool = True
    discretisation: Literal["zero_order_hold", "bilinear"] = "zero_order_hold"
    clip_eigenvalues: bool = False
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    step_scale: float = 1.0
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_integer("blocks", self.blocks, minimum=1)
        for name in ("conjugate_symmetry", "clip_eigenvalues", "bidirectional", "skip"):
            require_flag(name, getattr(self, name))
        choices = ("zero_order_hold", "bilinear")
        require_choice("discretisation", self.discretisation, choices)
        check_steps(self.dt_min, self.dt_max)
        require_positive("step_scale", self.step_scale)
        check_start(self.start)
        if self.state_dim % self.blocks:
            raise ValueError(
                f"state_dim={self.state_dim} cannot be cut into {self.blocks} equal blocks; choose "
                "a multiple."
            )

    @property
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

    @property
    def odd(self) -> bool:
        """Whether each block has a real state, besides its pairs."""
        return self.conjugate_symmetry and self.state_dim // self.blocks % 2 == 1

    def build(self, width: int) -> S5:
        """Draw the module."""
        return S5(self, width)


_CLIP = -1e-4


class S5(Recurrent):
    """Module of `S5Config`."""

    def __init__(self, config: S5Config, width: int):
        super().__init__()
        self.config, self.width = config, width
        values, vectors = _block_spectrum(config)
        P, drawn = config.state_dim, (2 if config.bidirectional else 1, width, config.state_dim)
        if config.start == "published":
            B = cut_off_normal(P, width, deviation=P**-0.5)
            parts = (cut_off_normal(*drawn, deviation=P**-0.5) for _ in range(2))
            C = torch.complex(*parts)
        else:
            B, C = torch.randn(P, width) / width**0.5, torch.randn(*drawn) / P**0.5
        self.eigenvalues = StateParameter(as_pair(torch.from_numpy(values)))
        self.log_dt = StateParameter(
            log_steps(len(values), dt_min=config.dt_min, dt_max=config.dt_max)
        )
        V = torch.from_numpy(vectors).to(B.device)
        self.B = StateParameter(as_pair(V.mH @ B.to(V)))
        self.C = nn.Parameter(as_pair(torch.cat(tuple(C.to(V) @ V), -1)))
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Scan over time."""
        check_sequence(x, self.width)
        transition, B = self.discretised()
        driven, both = drive(x, B), self.config.bidirectional
        return self._read(scanned(transition, driven, bidirectional=both), x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Zero."""
        require_causal(self, bidirectional=self.config.bidirectional)
        return torch.zeros_like(as_complex(self.eigenvalues)).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scan from a state."""
        transition, B = self.discretised()
        h = ops.linear_scan(transition, drive(x, B), state)
        return self._read(h, x), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        self.check_step(x_k, state)
        transition, B = self.discretised()
        state = transition * state + drive(x_k, B)
        return self._read(state, x_k), state

    def discretised(
        self,
    ) -> tuple[Complex[torch.Tensor, " state"], Complex[torch.Tensor, "state width"]]:
        """Eigenvalues and input map of one step."""
        values = self._real_states(as_complex(self.eigenvalues))
        if self.config.clip_eigenvalues:
            values = torch.complex(values.real.clamp_max(_CLIP), values.imag)
        dt = self.config.step_scale * self.log_dt.exp()
        rule = getattr(ops, self.config.discretisation)
        transition, gain = rule(values, torch.ones_like(values), dt)
        return transition, gain[:, None] * self._real_states(as_complex(self.B).mT).mT

    def _read(self, h: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        C = as_complex(self.C)
        y = read(h, once_last(self._blocks(C)).flatten(-2) if self.config.odd else C)
        y = 2 * y if self.config.conjugate_symmetry else y
        return y if self.D is None else y + self.D * x

    def _real_states(self, values: torch.Tensor) -> torch.Tensor:
        """Drop what would make the last state of an odd block complex."""
        return real_last(self._blocks(values)).flatten(-2) if self.config.odd else values

    def _blocks(self, values: torch.Tensor) -> torch.Tensor:
        size = self.config.state_dim // self.config.blocks
        return values.unflatten(-1, (-1, num_modes(size)))


def _block_spectrum(config: S5Config) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of all blocks, and the block-diagonal matrix of their eigenvectors."""
    size = config.state_dim // config.blocks
    kept = num_modes(size) if config.conjugate_symmetry else size
    values, vectors = normal_part(size)
    what = f"the eigenvectors of state_dim={config.state_dim:,} and blocks={config.blocks:,}"
    require_memory(3 * 16 * config.state_dim * config.blocks * kept, what)
    copies = np.eye(config.blocks)
    return np.tile(values[:kept], config.blocks), np.kron(copies, vectors[:, :kept])
