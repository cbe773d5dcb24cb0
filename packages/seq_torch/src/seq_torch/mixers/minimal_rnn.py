"""Minimal recurrent networks as modules, by `ops.linear_scan`: minGRU and minLSTM."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

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
class MinGRUConfig(settings.MinGRU, MixerConfig):
    """The minimal gated recurrent unit in torch, by `ops.linear_scan`."""

    def build(self, width: int) -> MinGRU:
        """Draw the module from torch's random state."""
        return MinGRU(self, width)


@dataclass(frozen=True, kw_only=True)
class MinLSTMConfig(settings.MinLSTM, MixerConfig):
    """Minimal long short-term memory in torch, by `ops.linear_scan`."""

    def build(self, width: int) -> MinLSTM:
        """Draw the module from torch's random state."""
        return MinLSTM(self, width)


class MinimalRNN(Recurrent):
    """What the modules of `MinGRUConfig` and `MinLSTMConfig` share.

    Attributes
    ----------
    into
        Map to the candidate and the gates, side by side; as published, weight decay leaves it
        alone.
    """

    gates: ClassVar[int]

    def __init__(self, config: settings.MinGRU | settings.MinLSTM, width: int):
        super().__init__()
        self.width, self.candidate = width, config.candidate
        inner = config.expand * width
        self.into = nn.Linear(width, (1 + self.gates) * inner)
        self.into.weight = StateParameter(self.into.weight.detach())
        self.into.bias = StateParameter(self.into.bias.detach())
        self.out = nn.Linear(inner, width)
        self.start = nn.Parameter(torch.randn(inner)) if config.trained_start else None

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch state"]:
        """Give the trained start, one for all rows, or zeros."""
        if self.start is None:
            return self.out.weight.new_zeros(batch_size, self.out.in_features)
        return self._let_in(self.start).expand(batch_size, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, by a scan from the state before."""
        h = ops.linear_scan(*self._recurrence(x), state)
        return self._read(h), h[:, -1]

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        kept, added = self._recurrence(x_k)
        state = kept * state + added
        return self._read(state), state

    @abstractmethod
    def shares(self, *gates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give what is kept of the state, and what is let in of the candidate."""

    def _recurrence(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        # In single precision or better: a short type rounds what is kept to 1.
        mapped = self.into(x)
        mapped = mapped.to(torch.promote_types(mapped.dtype, torch.float32))
        candidate, *gates = mapped.chunk(1 + self.gates, -1)
        kept, share = self.shares(*gates)
        return kept, share * self._let_in(candidate)

    def _read(self, h: torch.Tensor) -> torch.Tensor:
        return self.out(h.to(self.out.weight.dtype))

    def _let_in(self, x: torch.Tensor) -> torch.Tensor:
        if self.candidate == "linear":
            return x
        return torch.where(x >= 0, x + 0.5, torch.sigmoid(x))


class MinGRU(MinimalRNN):
    """Module of `MinGRUConfig`."""

    gates = 1

    def shares(self, *gates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give 1 - z and z."""
        (z,) = gates
        return torch.sigmoid(-z), torch.sigmoid(z)


class MinLSTM(MinimalRNN):
    """Module of `MinLSTMConfig`."""

    gates = 2

    def __init__(self, config: MinLSTMConfig, width: int):
        super().__init__(config, width)
        self.normalised = config.normalised
        with torch.no_grad():
            self.into.bias.chunk(3)[1].add_(config.forget_bias)

    def shares(self, *gates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Give f and i, divided by their sum if they are normalised."""
        forget, write = gates
        if not self.normalised:
            return torch.sigmoid(forget), torch.sigmoid(write)
        # f / (f + i) is the sigmoid of log f - log i.
        ratio = functional.logsigmoid(forget) - functional.logsigmoid(write)
        return torch.sigmoid(ratio), torch.sigmoid(-ratio)
