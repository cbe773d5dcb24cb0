"""LinOSS: forced linear oscillators, by `ops.pair_scan`."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LinOSSConfig(settings.LinOSS, MixerConfig):
    """LinOSS in torch, by `ops.pair_scan`."""

    def build(self, width: int) -> LinOSS:
        """Draw the module from torch's random state."""
        return LinOSS(self, width)


class LinOSS(Recurrent):
    """Module of `LinOSSConfig`.

    Real and imaginary parts are oscillators side by side: the matrices are real.

    Attributes
    ----------
    stiffness, raw_step
        a and s, ``(state,)``, of which A and the steps are made.
    B, C
        Input and output map, as real pairs ``(state, width, 2)`` and ``(width, state, 2)``.
    D
        Weight of the skip term.
    """

    def __init__(self, config: LinOSSConfig, width: int):
        super().__init__()
        self.config, self.width, n = config, width, config.state_dim
        self.stiffness = StateParameter(torch.rand(n))
        self.raw_step = StateParameter(torch.rand(n))
        self.B = nn.Parameter(_uniform(n, width, 2, bound=width**-0.5))
        self.C = nn.Parameter(_uniform(width, n, 2, bound=n**-0.5))
        self.D = nn.Parameter(torch.randn(width))

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch 2 part"]:
        """Give zeros: velocity and position at rest, real parts before imaginary ones."""
        return self.stiffness.new_zeros(1, 2, 2 * self.config.state_dim).expand(batch_size, -1, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        matrices, gains = self.discretised()
        drive = functional.linear(x, torch.cat(self.B.unbind(-1)))
        z, y = ops.pair_scan(matrices.repeat(1, 1, 2), gains.repeat(1, 2), drive, state)
        last = torch.stack((z[:, -1], y[:, -1]), 1)
        real, imaginary = self.C.unbind(-1)
        out = functional.linear(y.to(x.dtype), torch.cat((real, -imaginary), -1)) + self.D * x
        return functional.gelu(out, approximate="tanh") if self.config.block else out, last

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the matrices (2, 2, state) and gains (2, state) of one step."""
        A, dt = self.stiffness.relu(), self.raw_step.sigmoid()
        one = torch.ones_like(A)
        if self.config.discretisation == "implicit":
            S = 1 / (1 + dt**2 * A)
            rows, gains = ((S, -dt * A * S), (dt * S, S)), (dt * S, dt**2 * S)
        else:
            rows, gains = ((one, -dt * A), (dt, 1 - dt**2 * A)), (dt, dt**2)
        return torch.stack([torch.stack(row) for row in rows]), torch.stack(gains)


def _uniform(*shape: int, bound: float) -> torch.Tensor:
    return torch.empty(*shape).uniform_(-bound, bound)
