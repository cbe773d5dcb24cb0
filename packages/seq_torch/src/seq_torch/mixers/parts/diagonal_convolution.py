"""A diagonal state-space model per channel: a convolution of sequences, a recurrence by steps."""

from __future__ import annotations

from abc import abstractmethod

import torch
from jaxtyping import Complex, Float
from torch import nn

from ... import ops
from ...parameter import as_complex
from .convolution import Convolution
from .vandermonde import exponential_sum, weighted_by_exponentials


class DiagonalConvolution(Convolution):
    r"""One diagonal system with constant parameters for each channel.

    .. math:: h_k = e^{z} h_{k-1} + g B u_k, \quad y_k = 2\,\mathrm{Re}(C h_k) + D u_k, \qquad
              K_l = 2\,\mathrm{Re} \sum_n g_n C_n B_n e^{l z_n}, \quad y = K * u + D u,

    with one state of each conjugate pair. A subclass draws the parameters of `Convolution` and B,
    and gives `eigenvalues`; z and g then follow from the zero-order hold, unless it discretises
    otherwise.

    Attributes
    ----------
    B
        Input map, real pairs ``(width, state, 2)``, or None where it is 1.
    """

    B: nn.Parameter | None

    @property
    @abstractmethod
    def eigenvalues(self) -> Complex[torch.Tensor, "width state"]:
        """Eigenvalues A of each channel, in continuous time."""

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Exponents z, whose exponential is the transition, and gains g of the input map."""
        A, dt = self.eigenvalues, self.dt
        return dt * A, ops.zero_order_hold(A, torch.ones_like(A), dt)[1]

    def kernels(self, length: int) -> Float[torch.Tensor, "direction width length"]:
        """Give the kernels, sums of exponentials over the modes."""
        exponents, gain = self.discretised()
        sums = [
            exponential_sum(self._driven(gain * C), exponents, length) for C in self.output_maps
        ]
        return 2 * torch.stack(sums)

    def advance(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position, every state by itself."""
        exponents, gain = self.discretised()
        state = torch.exp(exponents) * state + self._driven(gain) * x_k[..., None]
        return 2 * (self.output_maps[0] * state).sum(-1).real, state

    def proceed(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        r"""Add the response :math:`2\,\mathrm{Re} \sum_n C_n e^{(k+1) z_n} h_n` of the state h."""
        exponents, gain = self.discretised()
        driven, C, length = self._driven(gain), self.output_maps[0], x.shape[1]
        kernel = 2 * exponential_sum(driven * C, exponents, length)
        response = 2 * exponential_sum(C * torch.exp(exponents) * state, exponents, length)
        last = torch.exp(length * exponents) * state
        last = last + driven * weighted_by_exponentials(x.mT.flip(-1), exponents)
        return ops.causal_convolution(x, kernel) + response.mT.to(x.dtype), last

    def _driven(self, gain: torch.Tensor) -> torch.Tensor:
        return gain if self.B is None else gain * as_complex(self.B)
