"""Linear systems with constant parameters, one per channel, computed as a convolution."""

from __future__ import annotations

from abc import abstractmethod
from math import isqrt
from typing import TYPE_CHECKING

import equinox as eqx
import jax.numpy as jnp
from scipy.fft import next_fast_len

from .mixer import Mixer, check_sequence, require_causal
from .parameter import as_complex

if TYPE_CHECKING:
    from jaxtyping import Array, Complex, Float


class Convolution(Mixer):
    """Module with one system per channel; `seqtheory.settings.S4D` has the equation.

    `log_dt` holds the logarithm of each step, `C` real pairs with a direction in front where there
    are two, and `D` may be None.
    """

    log_dt: Float[Array, "width 1"] = eqx.field(metadata={"state": True})
    C: Float[Array, "... width state 2"]
    D: Float[Array, " width"] | None

    @abstractmethod
    def kernels(self, length: int) -> Float[Array, "direction width length"]:
        """Responses at lags 0, ..., length - 1, without the skip term; one per direction."""

    @abstractmethod
    def advance(
        self, x_k: Float[Array, "batch width"], state: Complex[Array, "batch width state"]
    ) -> tuple[Float[Array, "batch width"], Complex[Array, "batch width state"]]:
        """Output without the skip term, and state, after one more position."""

    @property
    def width(self) -> int:
        """Channels of an input."""
        return len(self.log_dt)

    @property
    def output_maps(self) -> Complex[Array, "direction width state"]:
        """C of each direction."""
        C = as_complex(self.C)
        return C if C.ndim == 3 else C[None]

    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Convolve each channel with its kernel, or with both of them."""
        check_sequence(x, self.width)
        forwards, *backwards = self.kernels(x.shape[1])
        y = causal_convolution(x, forwards)
        for kernel in backwards:
            later = causal_convolution(x[:, ::-1], kernel)[:, ::-1]
            y = y + jnp.pad(later[:, 1:], ((0, 0), (0, 1), (0, 0)))
        return self._read(y, x)

    def initial_state(self, batch_size: int) -> Complex[Array, "batch width state"]:
        """Zero."""
        require_causal(self, bidirectional=self.C.ndim == 4)
        C = as_complex(self.C)
        return jnp.zeros((batch_size, *C.shape), C.dtype)

    def step(
        self, x_k: Float[Array, "batch width"], state: Complex[Array, "batch width state"]
    ) -> tuple[Float[Array, "batch width"], Complex[Array, "batch width state"]]:
        """Advance the recurrence by one position."""
        self.check_step(x_k, state)
        y, state = self.advance(x_k, state)
        return self._read(y, x_k), state

    def _read(self, y: Array, x: Array) -> Array:
        return y if self.D is None else y + jnp.broadcast_to(self.D, x.shape) * x


def causal_convolution(
    u: Float[Array, "batch time channel"], kernel: Float[Array, "channel time"]
) -> Float[Array, "batch time channel"]:
    r"""Convolve every channel, :math:`y_k = \sum_{j \le k} K_j u_{k-j}`, by Fourier transform."""
    length = u.shape[1]
    size = next_fast_len(2 * length - 1, real=True)
    product = jnp.fft.rfft(u, size, axis=1) * jnp.fft.rfft(kernel, size, axis=1).T[None]
    return jnp.fft.irfft(product, size, axis=1)[:, :length]


def exponential_sum(
    coefficients: Complex[Array, "channel state"],
    exponents: Complex[Array, "channel state"],
    length: int,
) -> Float[Array, "channel length"]:
    r"""Real part of a sum of exponentials, :math:`K_l = \mathrm{Re} \sum_n c_n e^{l z_n}`.

    Notes
    -----
    With :math:`l = q m + r`, m about the root of L, it is one product of two narrow matrices:
    O(channel state sqrt(length)) memory in both directions.
    """
    block = isqrt(length - 1) + 1
    starts = block * jnp.arange(-(-length // block)).astype(exponents.dtype)[None, :, None]
    lags = jnp.arange(block).astype(exponents.dtype)[None, :, None]
    coarse = coefficients[:, None] * jnp.exp(exponents[:, None] * starts)
    fine = jnp.exp(exponents[:, None] * lags)
    real = jnp.einsum("cqn,crn->cqr", coarse.real, fine.real)
    imaginary = jnp.einsum("cqn,crn->cqr", coarse.imag, fine.imag)
    return (real - imaginary).reshape(len(coefficients), -1)[:, :length]
