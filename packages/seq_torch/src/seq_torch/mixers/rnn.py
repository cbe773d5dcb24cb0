"""Torch's own recurrent networks: Elman's, long short-term memory, the gated recurrent unit."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from .mixer import MixerConfig
from .recurrent import Recurrent


class TorchCell(Recurrent):
    """A mixer that runs one layer of `torch.nn.RNN`, `torch.nn.LSTM` or `torch.nn.GRU`.

    `torch.func.vmap` has no rule for these layers. Under the transforms of `torch.func` a loop over
    time uses their weights instead: it is slower, and every transform can take it.

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
        """Zero, ``(1, batch, width)``."""
        return next(self.parameters()).new_zeros(1, batch_size, self.width)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, Any]:
        """Map a sequence to the sequence of states."""
        if torch._C._are_functorch_transforms_active():  # pyright: ignore
            return self._unrolled(x, state)
        return self.recurrence(x, state)

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
class RNNConfig(MixerConfig):
    r"""Elman's recurrent network; its state is as wide as the model.

    .. math:: h_k = \tanh(W x_k + b + U h_{k-1} + c), \qquad y_k = h_k, \qquad h_0 = 0.

    Notes
    -----
    Torch's own `torch.nn.RNN` with its initialisation, U(-1/sqrt(width), 1/sqrt(width)).

    References
    ----------
    J. Elman, Cognitive Science 14 (1990). Cirone et al., arXiv 2402.19047, section 5.
    """

    def build(self, width: int) -> RNN:
        """Draw the module."""
        return RNN(width)


class RNN(TorchCell):
    """Module of `RNNConfig`."""

    layer = nn.RNN

    def advance(
        self, drive: torch.Tensor, recurrent: torch.Tensor, state: torch.Tensor
    ) -> torch.Tensor:
        """Apply tanh."""
        return torch.tanh(drive + recurrent)


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(MixerConfig):
    r"""Long short-term memory; its state is as wide as the model.

    .. math::

        (i, f, o) = \sigma(W x_k + U h_{k-1} + b), \quad g = \tanh(W' x_k + U' h_{k-1} + b'),
        \quad c_k = f c_{k-1} + i g, \quad y_k = h_k = o \tanh(c_k).

    Notes
    -----
    Torch's own `torch.nn.LSTM` with its initialisation; the forget gate's bias is not raised to 1.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), with the forget gate of
    F. Gers et al., Neural Computation 12 (2000).
    """

    def build(self, width: int) -> LSTM:
        """Draw the module."""
        return LSTM(width)


class LSTM(TorchCell):
    """Module of `LSTMConfig`."""

    layer = nn.LSTM

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Zero hidden state and zero cell."""
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
class GRUConfig(MixerConfig):
    r"""Gated recurrent unit; its state is as wide as the model.

    .. math::

        (r, z) = \sigma(W x_k + U h_{k-1} + b), \quad
        n = \tanh(W' x_k + b' + r (U' h_{k-1} + c')), \quad
        y_k = h_k = (1 - z)\, n + z\, h_{k-1}.

    Notes
    -----
    Torch's own `torch.nn.GRU` with its initialisation; the reset gate r is applied after the
    product with U', unlike in the first publication.

    References
    ----------
    K. Cho et al., arXiv 1406.1078, section 2.3.
    """

    def build(self, width: int) -> GRU:
        """Draw the module."""
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
