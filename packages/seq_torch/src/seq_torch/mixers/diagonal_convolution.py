"""A diagonal state-space model per channel: a convolution of sequences, a recurrence by steps."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Complex, Float
from torch import nn

from .. import ops
from ..parameter import as_complex
from .mixer import check_sequence, check_step
from .vandermonde import exponential_sum


class DiagonalConvolution(nn.Module, ABC):
    r"""One diagonal system with constant parameters for each channel.

    .. math:: h_k = e^{z} h_{k-1} + g B u_k, \quad y_k = 2\,\mathrm{Re}(C h_k) + D u_k, \qquad
              K_l = 2\,\mathrm{Re} \sum_n g_n C_n B_n e^{l z_n}, \quad y = K * u + D u,

    with one state of each conjugate pair. A subclass draws the parameters below and gives
    `eigenvalues`; z and g then follow from the zero-order hold, unless it discretises otherwise.

    Attributes
    ----------
    width
        Number of channels.
    log_dt
        Logarithm of the step of each channel, ``(width, 1)``.
    B, C
        Input and output maps, real pairs ``(width, state, 2)``; B is None where it is 1.
    D
        Weight of the skip term, ``(width,)``, or None.
    """

    width: int
    log_dt: nn.Parameter
    B: nn.Parameter | None
    C: nn.Parameter
    D: nn.Parameter | None

    @property
    @abstractmethod
    def eigenvalues(self) -> Complex[torch.Tensor, "width state"]:
        """A of each channel, in continuous time."""

    @property
    def dt(self) -> Float[torch.Tensor, "width 1"]:
        """Step of each channel."""
        return self.log_dt.exp()

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Exponents z, whose exponential is the transition, and gains g of the input map."""
        A, dt = self.eigenvalues, self.dt
        return dt * A, ops.zero_order_hold(A, torch.ones_like(A), dt)[1]

    def kernel(self, length: int) -> Float[torch.Tensor, "width length"]:
        """Response to an impulse at lags 0, ..., length - 1, without the skip term."""
        exponents, gain = self.discretised()
        return 2 * exponential_sum(self._driven(gain * as_complex(self.C)), exponents, length)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Convolve each channel with its kernel."""
        check_sequence(x, self.width)
        return self.read(ops.causal_convolution(x, self.kernel(x.shape[1])), x)

    def initial_state(self, batch_size: int) -> Complex[torch.Tensor, "batch width state"]:
        """Zero."""
        return torch.zeros_like(as_complex(self.C)).expand(batch_size, -1, -1)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance the recurrence by one position."""
        check_step(x_k, self.width)
        exponents, gain = self.discretised()
        state = torch.exp(exponents) * state + self._driven(gain) * x_k[..., None]
        return self.read(2 * (as_complex(self.C) * state).sum(-1).real, x_k), state

    def read(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Output, given what comes from the states and the input."""
        return y if self.D is None else y + self.D * x

    def _driven(self, gain: torch.Tensor) -> torch.Tensor:
        return gain if self.B is None else gain * as_complex(self.B)
