"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory._settings import require_choice, require_integer, require_positive

from ..exponential import exponentials
from ..structure import Dense
from ..token_scan import token_scan
from .mixer import Mixer, MixerConfig, check_sequence, check_step
from .parameter import state_parameter

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, Int, PRNGKeyArray


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


@dataclass(frozen=True, kw_only=True)
class LinearCDEConfig(MixerConfig):
    r"""Linear controlled differential equation driven by time and the summed inputs.

    .. math:: dS = \sum_i A_i S\, dw^i, \quad w_k = \Delta \sum_{j \le k} (1, x_j): \qquad
              S_k = M(x_k) S_{k-1}, \quad y_k = C S_k,

    where :math:`M(x) = \exp(G)` or :math:`I + G` with the generator
    :math:`G(x) = \Delta (A_0 + \sum_i A_i x^i)`. It is `TokenCDE` with ``path="sums"``, without
    forcing, for any inputs, and with an output map.

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
    A starts from N(0, 1 / block size), S_0 from N(0, 1); both are trained. In the first layer of a
    model with token inputs, matrices are formed once per token of the vocabulary.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, equation (6); Walker et al., arXiv
    2505.17761 (structures, fixed step).
    """

    state_dim: int = 32
    structure: Dense | BlockDiagonal = Dense()  # noqa: RUF009 - a frozen value
    transition: Literal["exponential", "first_order"] = "exponential"
    dt: float = 0.025

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        if not isinstance(self.structure, (Dense, BlockDiagonal)):
            raise TypeError(
                f"structure={self.structure!r} is not known; expected Dense() or "
                "BlockDiagonal(block_size=4)."
            )
        if self.state_dim % self.block_size:
            raise ValueError(
                f"state_dim={self.state_dim} cannot be cut into blocks of {self.block_size}; "
                "choose a multiple."
            )
        require_choice("transition", self.transition, ("exponential", "first_order"))
        require_positive("dt", self.dt)

    @property
    def block_size(self) -> int:
        """Rows of a block."""
        return self.state_dim if isinstance(self.structure, Dense) else self.structure.block_size

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> DrivenMatrices:
        """Draw the module."""
        return DrivenMatrices(self, width, dtype=dtype, key=key)


class DrivenMatrices(Mixer):
    """Module of `LinearCDEConfig`."""

    A: Float[Array, "path_channel block size size"] = state_parameter()
    start: Float[Array, "block size"]
    C: eqx.nn.Linear
    config: LinearCDEConfig = eqx.field(static=True)

    def __init__(self, config: LinearCDEConfig, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_A, of_start, of_C = jax.random.split(key, 3)
        size = config.block_size
        blocks = config.state_dim // size
        self.A = jax.random.normal(of_A, (width + 1, blocks, size, size), dtype) / size**0.5
        self.start = jax.random.normal(of_start, (blocks, size), dtype)
        self.C = eqx.nn.Linear(config.state_dim, width, use_bias=False, dtype=dtype, key=of_C)
        self.config = config

    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Multiply the state by one matrix per position."""
        check_sequence(x, len(self.A) - 1)
        return self._run(self.matrices(x))

    def lookup(
        self, table: Float[Array, "token width"], tokens: Int[Array, "batch time"]
    ) -> Float[Array, "batch time width"]:
        """Give what the call gives on ``table[tokens]``, with one matrix per row of the table."""
        matrices = self.matrices(table)
        if self.start.shape[0] > 1:
            return self._run(matrices[tokens])
        start = jnp.broadcast_to(self.start[0], (len(tokens), self.config.state_dim))
        offsets = jnp.zeros((len(table), self.config.state_dim), start.dtype)
        return token_scan(matrices[:, 0], offsets, start, tokens) @ self.C.weight.T

    def matrices(self, x: Float[Array, "*point width"]) -> Float[Array, "*point block size size"]:
        """Transition matrix of each input."""
        A = self.config.dt * self.A
        flat = x.reshape(-1, x.shape[-1]) @ A[1:].reshape(len(A) - 1, -1)
        generators = flat.reshape(-1, *A.shape[1:]) + A[0]
        if self.config.transition == "exponential":
            square = generators.reshape(-1, *A.shape[2:])
            steps = exponentials(square).reshape(generators.shape)
        else:
            steps = generators + jnp.eye(A.shape[-1], dtype=A.dtype)
        return steps.reshape(*x.shape[:-1], *A.shape[1:])

    def initial_state(self, batch_size: int) -> Float[Array, "batch block size"]:
        """Give the trained start."""
        return jnp.broadcast_to(self.start, (batch_size, *self.start.shape))

    def step(
        self, x_k: Float[Array, "batch width"], state: Float[Array, "batch block size"]
    ) -> tuple[Float[Array, "batch width"], Float[Array, "batch block size"]]:
        """Advance by one position."""
        check_step(x_k, len(self.A) - 1)
        state = _apply(self.matrices(x_k), state)
        return state.reshape(len(state), -1) @ self.C.weight.T, state

    def _run(self, matrices: Float[Array, "batch time block size size"]) -> Array:
        def advance(state: Array, matrix: Array) -> tuple[Array, Array]:
            state = _apply(matrix, state)
            return state, state

        initial = self.initial_state(len(matrices))
        states = jax.lax.scan(advance, initial, matrices.swapaxes(0, 1))[1].swapaxes(0, 1)
        return states.reshape(*states.shape[:2], -1) @ self.C.weight.T


def _apply(matrix: Array, state: Array) -> Array:
    return (matrix @ state[..., None])[..., 0]
