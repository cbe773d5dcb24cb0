"""Delays of channels by the mixers of a stack: by a convolution, or by slots of a selective state.

A delay gives channels of a layout's second copy 2**block positions late and the others at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import e, log
from typing import Any

import numpy as np
from jaxtyping import Float

from .kernels import set_kernels
from .layout import Layout
from .selection import set_selection

_FORGOTTEN, _KEPT = log(1e3), -40.0  # log rates of states that a step of 1 erases, or leaves
_SHUT = -200.0  # bias of a step that is 0
_STEEP = 80.0  # slope of a gate between two positions: sigmoid(40) is 1 in float64


class Delay(ABC):
    """How the mixers of a stack delay channels.

    Attributes
    ----------
    layout
        The stack's channels, with those that the delay needs.
    squares
        Sum of squares of the channels that the delay needs, once they are written.
    """

    layout: Layout
    squares: float = 0.0

    @abstractmethod
    def set_mixer(self, mixer: Any, block: int) -> None:
        """Set the weights of one block's mixer."""

    @abstractmethod
    def start(self, letters: Float[np.ndarray, "letter width"]) -> None:
        """Write what the delay needs into the table of letters."""

    @abstractmethod
    def write(
        self, value: Float[np.ndarray, "width map"], gate: Float[np.ndarray, "width map"]
    ) -> None:
        """Write what the delay needs into the first block's gates; the bias is the last column."""


class ConvolvedDelay(Delay):
    """By a kernel of S4 or S4D that is 1 at one lag."""

    def __init__(self, dimension: int, length: int):
        self.layout, self.length = Layout(dimension), length

    def set_mixer(self, mixer: Any, block: int) -> None:
        """Set kernels of delayed channels, and the skip term of the others."""
        kernels = np.zeros((self.layout.width, self.length))
        skip = np.zeros(self.layout.width)
        skip[self.layout.signals[:, 0]] = 1
        if 2**block < self.length:
            kernels[self.layout.signals[:, 1], 2**block] = 1
        set_kernels(mixer, kernels, skip)

    def start(self, letters: Float[np.ndarray, "letter width"]) -> None:
        """Leave the letters as they are."""

    def write(
        self, value: Float[np.ndarray, "width map"], gate: Float[np.ndarray, "width map"]
    ) -> None:
        """Leave the gates as they are."""


class SelectedDelay(Delay):
    r"""By the states of S6 as slots: B writes into the slot of a position, C reads an earlier one.

    .. math:: h_n = \sum_t B_n(t) x(t), \quad B_n(t) = [t = n], \quad C_n(t) = [t - \tau = n]

    The first block knows no positions. It delays by one step with two states of factors 0 and
    :math:`\eta`, whose difference over :math:`\eta` is :math:`[l = 1] + O(\eta)` at lag l, counts
    positions in a channel that forgets nothing, and writes the steps :math:`[t \ge n]` by steep
    gates, from which later blocks read :math:`[t = n]`.
    """

    def __init__(self, dimension: int, length: int, eta: float):
        self.length, self.eta = length, eta
        self.layout = Layout(dimension, num_others=2 + 4 * (length - 1))
        self.count = self.layout.others[:2]
        self.steps = self.layout.others[2:].reshape(2, 2, length - 1)  # s_v, s_g, n - 1
        self.squares = 2.0 + 2 * (length - 1)

    def start(self, letters: Float[np.ndarray, "letter width"]) -> None:
        """Write the constant that is counted."""
        letters[:, self.count] = 1, -1

    def write(
        self, value: Float[np.ndarray, "width map"], gate: Float[np.ndarray, "width map"]
    ) -> None:
        """Write steps and their complements, of both signs: their mean and norm never change."""
        for (v, g, n), channel in np.ndenumerate(self.steps):
            value[channel, -1] = 1 - 2 * v
            gate[channel, self.count[0]] = _STEEP * (1 - 2 * g)
            gate[channel, -1] = -_STEEP * (1 - 2 * g) * (n + 0.5)

    def set_mixer(self, mixer: Any, block: int) -> None:
        """Set slots, or for the first block two states that a step nearly erases."""
        layout, width = self.layout, self.layout.width
        late = layout.signals[:, 1].ravel()
        step, skip = np.full(width, _SHUT), np.zeros(width)
        skip[layout.signals[:, 0]] = 1
        step[late] = log(e - 1)  # softplus gives 1
        decay = np.full((width, self.length), _KEPT)
        if block == 0:
            decay[:, 0], decay[late, 1] = _FORGOTTEN, log(-log(self.eta))
            step[self.count] = log(np.expm1(self.eta))
            decay[self.count, 0] = _FORGOTTEN - log(self.eta)
        B, C = self._near(width) if block == 0 else self._slots(width, 2**block)
        set_selection(mixer, B=B, C=C, step=step, log_decay=decay, skip=skip)

    def _near(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        B, C = np.zeros((2, self.length, width))
        one = self.layout.one(0, copy=0)
        B[:2], C[:2] = one, np.outer([-1 / self.eta, 1 / self.eta], one)
        return B, C

    def _slots(self, width: int, delay: int) -> tuple[np.ndarray, np.ndarray]:
        reached = np.zeros((self.length + 1, width))  # maps from channels to [t >= n]
        reached[0, self.steps[:, :, 0]] = [[0.5, 0.5], [-0.5, -0.5]]
        for n in range(1, self.length):
            reached[n, self.steps[:, 0, n - 1]] = 0.5, -0.5
        at = reached[:-1] - reached[1:]
        earlier = np.zeros_like(at)
        earlier[: max(0, self.length - delay)] = at[delay:]
        return at, earlier
