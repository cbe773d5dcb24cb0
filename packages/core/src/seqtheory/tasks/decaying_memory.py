"""Linear functionals of a random input, given by a memory kernel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import fft  # pyright: ignore[reportMissingTypeStubs]

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_memory,
    require_positive,
)
from seqtheory.dataset import Dataset
from seqtheory.memory import Kernel, Polynomial, sample

if TYPE_CHECKING:
    from jaxtyping import Float

_fft: Any = fft  # its signatures are not typed

_BLOCK = 1 << 18  # input values transformed at once: the FFT's workspace stays near 10 MB


@dataclass(frozen=True)
class DecayingMemory:
    r"""Learn a linear functional whose memory is a given kernel.

    .. math:: y_k = dt \sum_{j=0}^{k} \rho(j\,dt)\, x_{k-j}, \qquad x_k \sim N(0, 1).

    Parameters
    ----------
    kernel
        The memory :math:`\rho`: one of `seqtheory.memory`, or any callable from times to
        values.
    length
        Steps per sequence.
    num_sequences
        Number of sequences.
    dt
        Time per step.
    inputs
        ``"gaussian"``: independent; ``"integrated"``: their cumulative sum over time.
    upstream_scaling
        The scaling of the code published with arXiv:2311.14495 and arXiv:2305.19190: inputs are dt
        N(0, 1) and the sum has no factor dt. For ``dt=1`` both scalings agree.

    Notes
    -----
    The data of `build` are float64: inputs and targets (num_sequences, length, 1).

    Examples
    --------
    >>> data = DecayingMemory(length=5, num_sequences=3).build(seed=0)
    >>> data.inputs.shape, data.targets.shape
    ((3, 5, 1), (3, 5, 1))
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0, :, 0].round(2))
    inputs   0.13 -0.13 0.64 0.1 -0.54
    targets  0.13 -0.02 0.62 0.67 0.07
    """

    kernel: Kernel = Polynomial()  # noqa: RUF009  (frozen, so it can be shared)
    length: int = 100
    num_sequences: int = 1000
    dt: float = 1.0
    inputs: Literal["gaussian", "integrated"] = "gaussian"
    upstream_scaling: bool = False

    def __post_init__(self) -> None:
        if not callable(self.kernel):
            raise TypeError(
                f"kernel={self.kernel!r}: expected a kernel of seqtheory.memory, "
                "such as Polynomial(rate=0.1, power=1.1)."
            )
        require_integer("length", self.length, 1)
        require_integer("num_sequences", self.num_sequences, 1)
        require_positive("dt", self.dt)
        require_choice("inputs", self.inputs, ("gaussian", "integrated"))
        require_flag("upstream_scaling", self.upstream_scaling)

    def with_rows(self, rows: int) -> DecayingMemory:
        """Set the number of sequences; their draws are independent."""
        return replace(self, num_sequences=rows)

    def build(self, seed: int) -> Dataset:
        """Draw the sequences; the same seed gives the same bytes."""
        require_integer("seed", seed, 0)
        size = self.num_sequences * self.length
        what = f"num_sequences={self.num_sequences:,} of length={self.length:,}"
        require_memory(2 * 8 * size, what)
        weights = sample(self.kernel, self.dt * np.arange(self.length))
        x = np.random.default_rng(seed).standard_normal((self.num_sequences, self.length, 1))
        if self.upstream_scaling:
            x *= self.dt
        else:
            weights *= self.dt
        if self.inputs == "integrated":
            np.cumsum(x, axis=1, out=x)
        targets = np.empty_like(x)
        rows = max(1, _BLOCK // self.length)
        for start in range(0, self.num_sequences, rows):
            block = slice(start, start + rows)
            targets[block] = causal_convolution(x[block], weights)
        return Dataset(x, targets)


def causal_convolution(
    x: Float[np.ndarray, "... time channel"], weights: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "... time channel"]:
    r"""Convolve over time: :math:`y_k = \sum_{j=0}^{k} \text{weights}_j\, x_{k-j}`.

    Notes
    -----
    O(T log T) by a zero-padded FFT. The error is relative to the largest values of `x` and
    `weights`, not to each output. `causal_convolution_reference` is the direct twin.

    Examples
    --------
    >>> pulse, weights = np.array([[1.0], [0.0], [0.0]]), np.array([3.0, 2.0, 1.0])
    >>> causal_convolution(pulse, weights)[:, 0].round(12)
    array([3., 2., 1.])
    """
    _check_convolution(x, weights)
    length = x.shape[-2]
    padded = _fft.next_fast_len(2 * length - 1, real=True)
    spectrum = _fft.rfft(weights, padded)
    transformed = _fft.rfft(x, padded, axis=-2)
    transformed *= spectrum[:, None]
    return _fft.irfft(transformed, padded, axis=-2)[..., :length, :]


def causal_convolution_reference(
    x: Float[np.ndarray, "... time channel"], weights: Float[np.ndarray, " time"]
) -> Float[np.ndarray, "... time channel"]:
    """Direct O(T^2) twin of `causal_convolution`."""
    _check_convolution(x, weights)
    y = np.zeros(x.shape, dtype=np.result_type(x, weights))
    for k in range(x.shape[-2]):
        for j in range(k + 1):
            y[..., k, :] += weights[j] * x[..., k - j, :]
    return y


def _check_convolution(
    x: Float[np.ndarray, "... time channel"], weights: Float[np.ndarray, " time"]
) -> None:
    if x.ndim < 2 or x.shape[-2] == 0 or weights.shape != (x.shape[-2],):
        raise ValueError(
            f"inputs must be (..., time, channel) with one weight per time, but got inputs of "
            f"shape {x.shape} and weights of shape {weights.shape}."
        )
