"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import nn

from seqtheory._settings import require_choice, require_integer, require_positive

from ..parameter import StateParameter
from .mixer import MixerConfig, check_sequence, check_step


@dataclass(frozen=True, kw_only=True)
class Dense:
    """State matrices without zeros."""

    def blocks(self, state_dim: int) -> tuple[int, int]:
        """Give the number of blocks and the size of each."""
        return 1, state_dim


@dataclass(frozen=True, kw_only=True)
class BlockDiagonal:
    """State matrices of blocks along the diagonal.

    Parameters
    ----------
    block_size
        Rows of a block, a divisor of the state's dimension. Size 1 is a real diagonal.
    """

    block_size: int

    def __post_init__(self) -> None:
        require_integer("block_size", self.block_size, minimum=1)

    def blocks(self, state_dim: int) -> tuple[int, int]:
        """Give the number of blocks and the size of each."""
        if state_dim % self.block_size:
            raise ValueError(
                f"state_dim={state_dim} cannot be cut into blocks of {self.block_size}; choose a "
                "multiple."
            )
        return state_dim // self.block_size, self.block_size


@dataclass(frozen=True, kw_only=True)
class LinearCDEConfig(MixerConfig):
    r"""Linear controlled differential equation driven by time and the summed inputs.

    .. math:: dS = \sum_i A_i S\, dw^i, \quad w_k = \Delta \sum_{j \le k} (1, x_j): \qquad
              S_k = M(x_k) S_{k-1}, \quad y_k = C S_k,

    where :math:`M(x) = \exp(G)` or :math:`I + G` with the generator
    :math:`G(x) = \Delta (A_0 + \sum_i A_i x^i)`.

    Parameters
    ----------
    state_dim
        Entries of S.
    structure
        `Dense()` or `BlockDiagonal(block_size=...)`.
    transition
        "exponential", the exact solution, or "first_order", Euler's.
    dt
        The step :math:`\Delta`, the same at every length.

    Raises
    ------
    ValueError
        If the structure does not fit `state_dim`.

    Notes
    -----
    A starts from N(0, 1 / block size), S_0 from N(0, 1); both are trained. The matrices of all
    positions are formed at once: O(batch time state_dim block_size) memory. In the first layer of a
    model with token inputs they are formed once per token of the vocabulary instead. An exponential
    costs about ten products of matrices, and about eight times that backwards.

    Unlike the published step, the increment is the input itself (not a difference of values, nor
    divided by the length), and the first position counts.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, equation (6); Walker et al., arXiv
    2505.17761 (structures, fixed step).
    """

    state_dim: int = 32
    structure: Dense | BlockDiagonal = Dense()
    transition: Literal["exponential", "first_order"] = "exponential"
    dt: float = 0.025

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        if not isinstance(self.structure, (Dense, BlockDiagonal)):
            raise TypeError(
                f"structure={self.structure!r} is not known; expected Dense() or "
                "BlockDiagonal(block_size=4)."
            )
        self.structure.blocks(self.state_dim)
        require_choice("transition", self.transition, ("exponential", "first_order"))
        require_positive("dt", self.dt)

    def build(self, width: int) -> LinearCDE:
        """Draw the module."""
        return LinearCDE(self, width)


class LinearCDE(nn.Module):
    """Module of `LinearCDEConfig`."""

    def __init__(self, config: LinearCDEConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        blocks, size = config.structure.blocks(config.state_dim)
        self.A = StateParameter(torch.randn(width + 1, blocks, size, size) / size**0.5)
        self.start = nn.Parameter(torch.randn(blocks, size))
        self.C = nn.Linear(config.state_dim, width, bias=False)

    def forward(self, x: Float[torch.Tensor, "batch time width"]) -> torch.Tensor:
        """Multiply the state by one matrix per position."""
        check_sequence(x, self.width)
        return self._run(self.matrices(x))

    def lookup(
        self, table: Float[torch.Tensor, "token width"], tokens: Int[torch.Tensor, "batch time"]
    ) -> Float[torch.Tensor, "batch time width"]:
        """Give what forward gives on ``table[tokens]``, forming one matrix per row of the table."""
        check_sequence(table[None], self.width)
        if tokens.numel() < len(table):
            return self.forward(table[tokens])
        return self._run(self.matrices(table)[tokens])

    def matrices(
        self, x: Float[torch.Tensor, "... width"]
    ) -> Float[torch.Tensor, "... block size size"]:
        """Transition matrix of each input."""
        A = self.config.dt * self.A
        steps = (x.to(A.dtype) @ A[1:].flatten(1)).to(A.dtype)
        generators = steps.unflatten(-1, A.shape[1:]) + A[0]
        if self.config.transition == "exponential":
            return torch.linalg.matrix_exp(generators)
        return generators + torch.eye(A.shape[-1], dtype=A.dtype, device=A.device)

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch block size"]:
        """Give the trained start."""
        return self.start.expand(batch_size, -1, -1)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
        check_step(x_k, self.width)
        state = _apply(self.matrices(x_k), state)
        return self.C(state.flatten(1)), state

    def _run(self, matrices: Float[torch.Tensor, "batch time block size size"]) -> torch.Tensor:
        state, states = self.initial_state(len(matrices)), []
        for matrix in matrices.unbind(1):
            state = _apply(matrix, state)
            states.append(state)
        return self.C(torch.stack(states, 1).flatten(2))


def _apply(matrix: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
    return (matrix @ state.to(matrix.dtype)[..., None])[..., 0]
