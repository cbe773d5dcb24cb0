"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.structure._rule import Rule, check_rule, start_scales, step_power, stored
from seqtheory.structure._start import check_initial
from seqtheory.structure._transition import check_transition

from ..structure import Dense, OneHotDiagonal, Sparse, Structure, entries, named
from ..token_scan import token_scan
from ..transitions import Transitions, structured_scan, transitions
from .mixer import Mixer, MixerConfig, check_sequence
from .orthogonal import orthogonal
from .parameter import as_complex

if TYPE_CHECKING:
    from jax.typing import DTypeLike
    from jaxtyping import Array, Float, Inexact, Int, PRNGKeyArray


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
        Of `seqtheory.structure`: `Dense()`, `Diagonal()`, `BlockDiagonal(block_size=...)`,
        `DiagonalPlusLowRank(rank=...)`, `Sparse(density=...)`, `WalshHadamard()` or
        `OneHotDiagonal()`.
    transition
        "exponential", the exact solution, for matrices whose exponential has their structure;
        "first_order", Euler's; or "direct", :math:`M(x) = A_0 + \sum_i A_i x^i` without a step, the
        only one of `OneHotDiagonal`.
    dt
        The step :math:`\Delta`, the same at every length. "direct" has none.
    initial
        "random", the draw of the structure; or "orthogonal", for "direct" transitions alone: each
        :math:`A_i` is a random orthogonal matrix and :math:`A_0` zero, so that on one-hot inputs
        (`TokenInput(one_hot=True)`) every token has a matrix of its own that keeps the norm.
    rule
        "own", or "published", that of the code of Walker et al., with "first_order" alone:
        :math:`G = \Delta\,\mathrm{diag}(d) + \Delta^2 U V^\top` for low rank;
        :math:`G = \Delta H\,\mathrm{diag}(\tanh d_0 + \sum_i \tanh(d_i) x^i) / \sqrt n` for
        Walsh-Hadamard; and for sparse ones entries :math:`m_i \odot A_i`, where each entry of each
        :math:`m_i` is 1 with the chance `density`, so that their sum is hardly sparse. The others
        have one rule.

    Raises
    ------
    ValueError
        If the structure does not fit `state_dim`, `transition` or `initial`.

    Notes
    -----
    A starts from the random draw of its structure (for dense blocks N(0, 1 / block size)), S_0 from
    N(0, 1); both are trained. For "direct" the draw is divided by the square root of the number of
    inputs plus one. The matrices of all positions are formed at once: memory is O(batch time) times
    the parameters of one matrix. In the first layer of a model with token inputs they are formed
    once per token of the vocabulary instead. An exponential costs about ten products of matrices,
    and about eight times that backwards.

    What is linear in the input are the parameters of the matrix. `DiagonalPlusLowRank` is then
    :math:`\Delta (\mathrm{diag}(d(x)) + U(x) V(x)^\top)`, of the same rank for any number of inputs
    and quadratic in x, where the sum over i of such matrices would have a growing rank.

    The choice of `OneHotDiagonal` is hard in both directions of use; its gradient is that of the
    softmax over rows in its place (straight through). Its matrices are dense here, at state_dim^2
    per position.

    Unlike the published step, the increment is the input itself (not a difference of values, nor
    divided by the length), and the first position counts.

    References
    ----------
    Cirone, Orvieto, Walker, Salvi, Lyons, arXiv 2402.19047, equation (6); Walker et al., arXiv
    2505.17761 (structures, fixed step); Terzic et al., arXiv 2509.22284 (`OneHotDiagonal`).
    """

    state_dim: int = 32
    structure: Structure = Dense()  # noqa: RUF009 - a frozen value
    transition: Literal["exponential", "first_order", "direct"] = "exponential"
    dt: float = 0.025
    initial: Literal["random", "orthogonal"] = "random"
    rule: Rule = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_choice("transition", self.transition, ("exponential", "first_order", "direct"))
        check_transition(self.structure, self.transition)
        self.structure.shapes(self.state_dim)
        require_positive("dt", self.dt)
        check_initial(self.structure, self.transition, self.initial)
        check_rule(self.rule, self.transition)

    @property
    def complex_state(self) -> bool:
        """Whether the state is complex; the output map then sees real and imaginary parts."""
        return isinstance(self.structure, OneHotDiagonal) and self.structure.entries == "complex"

    def build(self, width: int, *, dtype: DTypeLike, key: PRNGKeyArray) -> DrivenMatrices:
        """Draw the module."""
        return DrivenMatrices(self, width, dtype=dtype, key=key)


class DrivenMatrices(Mixer):
    """Module of `LinearCDEConfig`; A holds the parameters by the names of the structure."""

    A: Any = eqx.field(metadata={"state": True})
    start: Float[Array, "state_dim ..."]
    C: eqx.nn.Linear
    config: LinearCDEConfig = eqx.field(static=True)

    def __init__(self, config: LinearCDEConfig, width: int, *, dtype: DTypeLike, key: PRNGKeyArray):
        of_A, of_start, of_C = jax.random.split(key, 3)
        self.A = named(_draw(config, width, dtype, of_A))
        parts = (2,) if config.complex_state else ()
        self.start = jax.random.normal(of_start, (config.state_dim, *parts), dtype)
        size = config.state_dim * (2 if parts else 1)
        self.C = eqx.nn.Linear(size, width, use_bias=False, dtype=dtype, key=of_C)
        self.config = config

    @property
    def width(self) -> int:
        """Channels of an input."""
        return len(self.A[0]) - 1

    def __call__(self, x: Float[Array, "batch time width"]) -> Float[Array, "batch time width"]:
        """Multiply the state by one matrix per position."""
        check_sequence(x, self.width)
        return self._run(self.transitions(x))

    def lookup(
        self, table: Float[Array, "token width"], tokens: Int[Array, "batch time"]
    ) -> Float[Array, "batch time width"]:
        """Give what the call gives on ``table[tokens]``, with one matrix per row of the table."""
        moves = self.transitions(table)
        if not isinstance(stored(self.config.structure, self.config.rule), Dense):
            return self._run(moves.map(lambda values: values[tokens]))
        start = self.initial_state(len(tokens))
        offsets = jnp.zeros((len(table), self.config.state_dim), start.dtype)
        return self._output(token_scan(moves.parameters["matrix"], offsets, start, tokens))

    def transitions(self, x: Float[Array, "*point width"]) -> Transitions:
        """Matrices of each input, in the form that a product needs."""
        config, parameters = self.config, {}
        for name, A in self.A._asdict().items():
            A = entries(config.structure, config.rule, A)
            step = config.dt ** step_power(config.structure, config.rule, name)
            A = A if config.transition == "direct" else step * A
            flat = x.reshape(-1, x.shape[-1]) @ A[1:].reshape(len(A) - 1, -1)
            moved = flat.reshape(-1, *A.shape[1:]) + A[:1]
            parameters[name] = moved.reshape(*x.shape[:-1], *A.shape[1:])
        structure = stored(config.structure, config.rule)
        return transitions(structure, config.transition, parameters, config.state_dim)

    def matrices(
        self, x: Float[Array, "*point width"]
    ) -> Inexact[Array, "*point state_dim state_dim"]:
        """Transition matrix of each input, formed whole."""
        return self.transitions(x).dense()

    def initial_state(self, batch_size: int) -> Inexact[Array, "batch state_dim"]:
        """Give the trained start."""
        start = self.start
        start = as_complex(start) if self.config.complex_state else start
        return jnp.broadcast_to(start, (batch_size, *start.shape))

    def step(
        self, x_k: Float[Array, "batch width"], state: Inexact[Array, "batch state_dim"]
    ) -> tuple[Float[Array, "batch width"], Inexact[Array, "batch state_dim"]]:
        """Advance by one position."""
        self.check_step(x_k, state)
        state = self.transitions(x_k).apply(state)
        return self._output(state), state

    def run(
        self, x: Float[Array, "batch time width"], state: Inexact[Array, "batch state_dim"]
    ) -> tuple[Float[Array, "batch time width"], Inexact[Array, "batch state_dim"]]:
        """Multiply a state by one matrix per position."""
        states = structured_scan(self.transitions(x), state)
        return self._output(states), states[:, -1]

    def _run(self, moves: Transitions) -> Array:
        batch = len(next(iter(moves.parameters.values())))
        return self._output(structured_scan(moves, self.initial_state(batch)))

    def _output(self, states: Inexact[Array, "... state_dim"]) -> Float[Array, "... width"]:
        if self.config.complex_state:
            states = jnp.concatenate([states.real, states.imag], axis=-1)
        return states @ self.C.weight.T


def _draw(
    config: LinearCDEConfig, width: int, dtype: DTypeLike, key: PRNGKeyArray
) -> dict[str, Array]:
    """Draw parameters of the matrices; means belong to time alone."""
    structure, parameters = config.structure, {}
    if config.initial == "orthogonal":
        found = orthogonal(structure, config.state_dim, width, dtype, key)
        return {name: jnp.pad(p, ((1, 0), *((0, 0),) * (p.ndim - 1))) for name, p in found.items()}
    inputs = (width + 1) ** 0.5 if config.transition == "direct" else 1.0
    scales = start_scales(structure, config.rule, config.state_dim)
    shapes = stored(structure, config.rule).shapes(config.state_dim)
    keys = [key] if len(shapes) == 1 else jax.random.split(key, len(shapes))
    for of_part, (name, shape) in zip(keys, shapes.items(), strict=True):
        draw = jax.random.normal(of_part, (width + 1, *shape), dtype) * (scales[name] / inputs)
        parameters[name] = draw.at[0].add(structure.centres.get(name, 0.0))
    if config.rule == "published" and isinstance(structure, Sparse):
        parameters["matrix"] = entries(structure, config.rule, parameters["matrix"])
    return parameters
