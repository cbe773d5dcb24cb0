"""Torch's own recurrent networks: Elman's, long short-term memory, the gated recurrent unit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .mixer import MixerConfig
from .recurrent import Recurrent


class TorchCell(Recurrent):
    """A mixer that runs one layer of `torch.nn.RNN`, `torch.nn.LSTM` or `torch.nn.GRU`.

    `torch.func.vmap` has no rule for these layers. Under the transforms of `torch.func` a loop over
    time uses their weights instead: it is slower, and every transform can take it.

    On a CPU the layer keeps the precision of its weights under autocast: torch's own LSTM in a
    shorter type fails on processors that have no instructions for it, and a state that is handed on
    should not depend on the machine.

    Attributes
    ----------
    layer
        Class of the layer, which a subclass names.
    recurrence
        The layer, batch first.
    """

    layer: ClassVar[type[nn.RNN | nn.LSTM | nn.GRU]]

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.recurrence = self.layer(width, width, batch_first=True)

    def initial_state(self, batch_size: int) -> Any:
        """Give zeros, ``(1, batch, width)``: torch puts the layers first."""
        return next(self.parameters()).new_zeros(1, batch_size, self.width)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, Any]:
        """Give the states, which are the outputs, and the last of them."""
        if torch._C._are_functorch_transforms_active():  # pyright: ignore
            return self._unrolled(x, state)
        if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return self.recurrence(x, state)
        with torch.autocast("cpu", enabled=False):
            return self.recurrence(x.to(next(self.parameters()).dtype), state)

    @abstractmethod
    def advance(self, drive: torch.Tensor, recurrent: torch.Tensor, state: Any) -> Any:
        """State after one step, from ``W x_k + b``, ``U h + c`` and the state before."""

    def _unrolled(self, x: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        W, U, b, c = (
            getattr(self.recurrence, f"{name}_l0")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        outputs = []
        for drive in functional.linear(x, W, b).unbind(1):
            state = self.advance(drive, functional.linear(_hidden(state), U, c), state)
            outputs.append(_hidden(state)[0])
        return torch.stack(outputs, 1), state


def _hidden(state: Any) -> torch.Tensor:
    """Give the part of a state that is read: all of it, or the first of two."""
    return state[0] if isinstance(state, tuple) else state


@dataclass(frozen=True, kw_only=True)
class RNNConfig(settings.RNN, MixerConfig):
    """Elman's recurrent network in torch."""

    def build(self, width: int) -> RNN:
        """Draw the module from torch's random state."""
        return RNN(width)


class RNN(TorchCell):
    """Module of `RNNConfig`."""

    layer = nn.RNN

    def advance(
        self, drive: torch.Tensor, recurrent: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        """Give the next state, tanh of the sum."""
        return torch.tanh(drive + recurrent)


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(settings.LSTM, MixerConfig):
    """Long short-term memory in torch."""

    def build(self, width: int) -> LSTM:
        """Draw the module from torch's random state."""
        return LSTM(width)


class LSTM(TorchCell):
    """Module of `LSTMConfig`."""

    layer = nn.LSTM

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Give zeros for the hidden state and for the cell."""
        zeros = super().initial_state(batch_size)
        return zeros, zeros.clone()

    def advance(
        self,
        drive: torch.Tensor,
        recurrent: torch.Tensor,
        state: tuple[torch.Tensor, torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Open the gates i, f and o, with the candidate g between them in torch's weights."""
        i, f, g, o = (drive + recurrent).chunk(4, -1)
        cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell


@dataclass(frozen=True, kw_only=True)
class GRUConfig(settings.GRU, MixerConfig):
    """The gated recurrent unit in torch."""

    def build(self, width: int) -> GRU:
        """Draw the module from torch's random state."""
        return GRU(width)


class GRU(TorchCell):
    """Module of `GRUConfig`."""

    layer = nn.GRU

    def advance(
        self, drive: torch.Tensor, recurrent: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        """Open the gates r and z, in this order in torch's weights, then the candidate n."""
        r, z, n = drive.chunk(3, -1)
        r_state, z_state, n_state = recurrent.chunk(3, -1)
        z = torch.sigmoid(z + z_state)
        n = torch.tanh(n + torch.sigmoid(r + r_state) * n_state)
        return n + z * (state - n)
