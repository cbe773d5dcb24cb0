"""Torch's own recurrent networks, and the loop that stands in where a transform cannot see them."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from .recurrent import Recurrent


class TorchCell(Recurrent):
    """A mixer that runs one layer of `torch.nn.RNN`, `LSTM` or `GRU`.

    `torch.func.vmap` has no rule for these. Under the transforms of `torch.func` the same weights
    run in a loop over time, of plain operations, which is slower and bears every transform.

    Attributes
    ----------
    recurrence
        Torch's module, of one layer, batch first.
    """

    recurrence: nn.RNNBase

    def __init__(self, width: int, recurrence: nn.RNNBase):
        super().__init__()
        self.width, self.recurrence = width, recurrence

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
