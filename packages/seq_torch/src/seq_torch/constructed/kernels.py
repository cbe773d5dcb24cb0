"""Convolution kernels of S4 and S4D, set by hand."""

from __future__ import annotations

from math import e, log

import numpy as np
import torch
from jaxtyping import Float

from ..mixers.s4 import S4
from ..mixers.s4d import S4D


@torch.no_grad()
def set_kernels(
    mixer: S4 | S4D,
    kernels: Float[np.ndarray, "width length"],
    skip: Float[np.ndarray, " width"] | None = None,
) -> None:
    r"""Give every channel of S4 or S4D a kernel, exactly on as many steps as twice its pairs.

    .. math:: K_l = 2\,\mathrm{Re} \sum_{n=0}^{N-1} c_n e^{l z_n}, \qquad
              z_n = \frac{i \pi (2 n + 1) - 1}{T}, \qquad
              c_n = \frac{1}{T} \sum_{l=0}^{T-1} K_l e^{-l z_n}, \qquad T = 2 N,

    with N conjugate pairs: the cosines of odd multiples of :math:`\pi / T` are orthogonal on T
    steps. After T steps the kernel returns with its sign turned, and weaker by the factor e.

    Parameters
    ----------
    mixer
        Its step becomes 1; what it had before is lost.
    kernels
        K from lag 0 on, ``(width, length)``; zero after that.
    skip
        D of each channel; 0 where it is not given.

    Raises
    ------
    TypeError, ValueError
        If the mixer has no kernels of this form, or too few pairs for this length.

    Examples
    --------
    >>> from seq_torch import S4Config
    >>> mixer = S4Config(state_dim=2).build(width=1)
    >>> set_kernels(mixer, np.array([[0.0, 3.0, 0.0, 5.0]]))
    >>> mixer.kernels(4).round(decimals=4).abs().tolist()
    [[[0.0, 3.0, 0.0, 5.0]]]
    """
    kernels = np.asarray(kernels, dtype=np.float64)
    _check(mixer, kernels.shape)
    pairs = mixer.frequency.shape[1]
    period = 2 * pairs
    z = (1j * np.pi * (2 * np.arange(pairs) + 1) - 1) / period
    lags = np.arange(kernels.shape[1])
    coefficients = torch.from_numpy(kernels @ np.exp(-np.outer(lags, z)) / period)
    doubled = isinstance(mixer, S4) and mixer.published_step  # softplus(exp(.)) is 1
    mixer.log_dt.fill_(log(log(e - 1)) if doubled else 0.0)
    mixer.log_decay.copy_(torch.from_numpy(-z.real).log())
    mixer.frequency.copy_(torch.from_numpy(z.imag))
    gain = mixer.discretised()[1].to(torch.complex128)
    if mixer.B is not None:
        mixer.B.copy_(torch.tensor([1.0, 0.0]))
    mixer.C.copy_(torch.view_as_real(coefficients / gain).view_as(mixer.C))
    if mixer.D is not None:
        mixer.D.copy_(torch.zeros(1) if skip is None else torch.as_tensor(skip))
    elif skip is not None:
        raise ValueError("got weights of the skip term for a mixer without one; set skip=True.")


def _check(mixer: object, shape: tuple[int, ...]) -> None:
    if not isinstance(mixer, (S4, S4D)):
        raise TypeError(f"got a mixer of type {type(mixer).__name__}, expected S4 or S4D.")
    if isinstance(mixer, S4D) and (
        mixer.odd or mixer.discretisation != "zero_order_hold" or len(mixer.output_maps) > 1
    ):
        raise ValueError(
            "got an S4D with a real state, the bilinear rule or two directions; its kernels are "
            "set with an even state_dim, discretisation='zero_order_hold', bidirectional=False."
        )
    width, pairs = mixer.frequency.shape
    if len(shape) != 2 or shape[0] != width or shape[1] > 2 * pairs:
        raise ValueError(
            f"got kernels of shape {shape}, expected ({width}, length) with length at most "
            f"{2 * pairs}, twice the conjugate pairs of the mixer: give it more."
        )
