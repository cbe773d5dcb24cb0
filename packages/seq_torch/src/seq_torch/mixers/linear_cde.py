"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Inexact, Int
from torch import nn

from seqtheory import settings
from seqtheory.structure import Sparse, WalshHadamard
from seqtheory.structure._rule import kept

from ..ops.glue.constant import constant_when_compiled
from ..ops.structured import Transitions, structured_scan
from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig, check_sequence
from .parts.orthogonal import orthogonal
from .parts.structured import check_known, transitions
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class LinearCDEConfig(settings.LinearCDE, MixerConfig):
    """The linear CDE in torch, by `ops.structured_scan`.

    Where a gradient is asked for, matrices of `OneHotDiagonal` are dense, at state_dim^2 per
    position; otherwise a position costs state_dim.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check_known(self.structure)

    def build(self, width: int) -> LinearCDE:
        """Draw the module from torch's random state."""
        return LinearCDE(self, width)


class LinearCDE(Recurrent):
    """Module of `LinearCDEConfig`.

    Attributes
    ----------
    A
        Parameters of the matrices by the names of the structure, each with a leading axis of
        `width + 1`: time, then the channels.
    start
        S_0, as real pairs where the state is complex.
    C
        Output map.
    """

    def __init__(self, config: LinearCDEConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        self.A = nn.ParameterDict(_draw(config, width))
        self.start = nn.Parameter(torch.randn(config.state_dim, *config.pair))
        self.C = nn.Linear(config.state_dim * (1 + config.complex_state), width, bias=False)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state: the state is multiplied by one matrix per position."""
        return self._scan(self.transitions(x), state)

    def lookup(
        self, table: Float[torch.Tensor, "token width"], tokens: Int[torch.Tensor, "batch time"]
    ) -> Float[torch.Tensor, "batch time width"]:
        """Give what forward gives on ``table[tokens]``, forming one matrix per row of the table."""
        check_sequence(table[None], self.width)
        if tokens.numel() < len(table):
            return self.forward(table[tokens])
        moves, start = self.transitions(table), self.initial_state(len(tokens))
        return self._output(structured_scan(moves, start, tokens=tokens))

    def transitions(self, x: Float[torch.Tensor, "... width"]) -> Transitions:
        """Matrices of each input, in the form that a product needs."""
        config = self.config
        parameters = {}
        for name, A in self.A.items():
            A = _read(config, A)
            A = A if config.transition == "direct" else config.step(name) * A
            moved = (x.to(A.dtype) @ A[1:].flatten(1)).to(A.dtype)
            parameters[name] = moved.unflatten(-1, A.shape[1:]) + A[0]
        return transitions(config.stored, config.transition, parameters)

    def matrices(
        self, x: Float[torch.Tensor, "... width"]
    ) -> Inexact[torch.Tensor, "... state_dim state_dim"]:
        """Transition matrix of each input, formed whole."""
        return self.transitions(x).dense()

    def initial_state(self, batch_size: int) -> Inexact[torch.Tensor, "batch state_dim"]:
        """Give the trained start, one for all rows."""
        start = as_complex(self.start) if self.config.complex_state else self.start
        return start.expand(batch_size, -1)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give the output at one position, and the state after it."""
        self.check_step(x_k, state)
        state = self.transitions(x_k).apply(state)
        return self._output(state), state

    def _scan(self, moves: Transitions, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        states = structured_scan(moves, state)
        return self._output(states), states[:, -1]

    def _output(self, states: Inexact[torch.Tensor, "... state_dim"]) -> torch.Tensor:
        if states.is_complex():
            states = torch.cat((states.real, states.imag), -1)
        return self.C(states)


def _draw(config: LinearCDEConfig, width: int) -> dict[str, StateParameter]:
    """Draw parameters of the matrices; means belong to time alone."""
    if config.initial == "orthogonal":
        found = orthogonal(config.structure, config.state_dim, width)
        zeros = {name: torch.zeros(1, *tensor.shape[1:]) for name, tensor in found.items()}
        return {k: StateParameter(torch.cat((zeros[k], found[k]))) for k in found}
    parameters = {}
    for name, (shape, deviation, mean) in config.draws(width).items():
        draw = torch.randn(width + 1, *shape) * deviation
        draw[0] += mean
        parameters[name] = StateParameter(draw)
    if config.thinned:  # zeros that stay zeros
        parameters["matrix"] = StateParameter(_read(config, parameters["matrix"].detach()))
    return parameters


def _read(config: LinearCDEConfig, A: torch.Tensor) -> torch.Tensor:
    """Give what the rule makes of a stored parameter before it is scaled and summed."""
    if config.rule == "published" and isinstance(config.structure, WalshHadamard):
        return A.tanh()
    if config.thinned and isinstance(config.structure, Sparse):
        return A * _kept(config.structure, config.state_dim, len(A)).to(A.device)
    return A


@constant_when_compiled  # a draw of NumPy's, which it cannot trace
def _kept(structure: Sparse, width: int, channels: int) -> Bool[torch.Tensor, "channel row column"]:
    return torch.tensor(kept(structure, width, channels))
