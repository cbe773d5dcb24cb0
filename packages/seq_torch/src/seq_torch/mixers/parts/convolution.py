"""Linear systems with constant parameters, one per channel, computed as a convolution."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Complex, Float
from torch import nn
from torch.nn import functional

from ... import ops
from ...parameter import as_complex
from ..mixer import check_sequence
from ..recurrent import Recurrent
from .bidirectional import require_causal


class Convolution(Recurrent):
    r"""One system per channel: a convolution of sequences, a recurrence by steps.

    .. math:: y_k = \sum_{j \ge 0} K_j u_{k-j} + D u_k, \qquad \text{and, with two directions, }
              + \sum_{j \ge 1} K'_{j-1} u_{k+j}

    A subclass draws the parameters below and gives `kernels`, `advance` and `proceed`.

    Attributes
    ----------
    width
        Number of channels.
    log_dt
        Logarithm of the step of each channel, ``(width, 1)``.
    C
        Output map, real pairs ``(width, state, 2)``, or ``(2, width, state, 2)`` with two
        directions, which share all other parameters.
    D
        Weight of the skip term, ``(width,)``, or None.
    """

    width: int
    log_dt: nn.Parameter
    C: nn.Parameter
    D: nn.Parameter | None

    @abstractmethod
    def kernels(self, length: int) -> Float[torch.Tensor, "direction width length"]:
        """Responses at lags 0, ..., length - 1, without the skip term; one per direction."""

    @abstractmethod
    def advance(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[Float[torch.Tensor, "batch width"], torch.Tensor]:
        """Output without the skip term, and state, after one more position."""

    @abstractmethod
    def proceed(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[Float[torch.Tensor, "batch time width"], torch.Tensor]:
        """Give outputs without the skip term, and the last state, forming no state per position."""

    @property
    def dt(self) -> Float[torch.Tensor, "width 1"]:
        """Step Delta of each channel."""
        return self.log_dt.exp()

    @property
    def output_maps(self) -> Complex[torch.Tensor, "direction width state"]:
        """Output map C of each direction."""
        return directed(self.C)

    def kernel(self, length: int) -> Float[torch.Tensor, "width length"]:
        """Response to an impulse at lags 0, ..., length - 1, without the skip term."""
        return self.kernels(length)[0]

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Convolve each channel with its kernel; with two directions, also backwards in time."""
        check_sequence(x, self.width)
        forwards, *backwards = self.kernels(x.shape[1])  # each (width, time)
        y = ops.causal_convolution(x, forwards)
        for kernel in backwards:
            later = ops.causal_convolution(x.flip(1), kernel).flip(1)
            y = y + functional.pad(later[:, 1:], (0, 0, 0, 1))  # lag 0 is the forward kernel's
        return self.read(y, x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch width state"]:
        """Give zeros, the state before the first position."""
        require_causal(self, bidirectional=self.C.ndim == 4)
        return torch.zeros_like(as_complex(self.C)).expand(batch_size, -1, -1)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state: a convolution plus the response of the state before."""
        y, state = self.proceed(x, state)
        return self.read(y, x), state

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        y, state = self.advance(x_k, state)
        return self.read(y, x_k), state

    def read(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Add the skip term to what comes from the states."""
        return y if self.D is None else y + self.D * x


def directed(pairs: Float[torch.Tensor, "*direction width state 2"]) -> torch.Tensor:
    """Give output maps as complex numbers, ``(direction, width, state)``."""
    C = as_complex(pairs)
    return C if C.ndim == 3 else C[None]
