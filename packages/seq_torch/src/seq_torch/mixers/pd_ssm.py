"""PD-SSM: a choice times a diagonal at every position, by `ops.one_hot_scan`."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .. import ops
from ..parameter import as_complex
from .mixer import MixerConfig
from .parts.complex_map import complex_normal, drive
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class PDSSMConfig(settings.PDSSM, MixerConfig):
    """PD-SSM in torch, by `ops.one_hot_scan`."""

    def build(self, width: int) -> PDSSM:
        """Draw the module from torch's random state."""
        return PDSSM(self, width)


class PDSSM(Recurrent):
    """Module of `PDSSMConfig`.

    Attributes
    ----------
    dictionary
        Matrices A, ``(word, state, state)``.
    selector
        The map S.
    modulus, phase
        The networks f and g.
    B
        Input map, real pairs ``(state, width, 2)``.
    readout, skip
        W with its bias w, and d.
    """

    def __init__(self, config: PDSSMConfig, width: int):
        super().__init__()
        self.config, self.width, n = config, width, config.state_dim
        self.selector = nn.Linear(width, config.dictionary, bias=False)
        self.dictionary = nn.Parameter(torch.randn(config.dictionary, n, n) / n**0.5)
        self.modulus = _network(width, config.hidden * n, n)
        self.phase = _network(width, config.hidden * n, n)
        self.B = complex_normal(n, width, variance=1 / n)
        self.readout = nn.Linear(2 * n, width)
        self.skip = nn.Parameter(torch.randn(width) / width**0.5)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch state"]:
        """Give the first unit vector."""
        like, n = as_complex(self.B), self.config.state_dim
        start = functional.one_hot(torch.zeros(1, dtype=torch.int64, device=like.device), n)
        return start.to(like.dtype).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        weights = self.selector(x).softmax(-1)
        factors, driven = self.factors(x), drive(x, as_complex(self.B))
        h = ops.one_hot_scan(weights, self.dictionary, factors, driven, state, self.config.one_per)
        y = self.readout(torch.cat((h.real, h.imag), -1))
        return y + self.skip * x, h[:, -1]

    def factors(self, x: Float[torch.Tensor, "... width"]) -> Complex[torch.Tensor, "... state"]:
        """Give the diagonal of D, whose numbers lie inside the unit disc."""
        dtype = self.B.dtype  # under autocast the networks give a shorter one
        modulus, turns = (net(x).to(dtype).sigmoid() for net in (self.modulus, self.phase))
        return torch.polar(modulus, 2 * pi * turns)


def _network(width: int, hidden: int, state_dim: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, state_dim))
