"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Inexact, Int
from torch import nn

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.structure import Dense, OneHotDiagonal, Sparse, Structure, WalshHadamard
from seqtheory.structure._rule import Rule, check_rule, kept, start_scales, step_power, stored
from seqtheory.structure._start import check_initial
from seqtheory.structure._transition import check_transition

from ..ops.constant import constant_when_compiled
from ..ops.structured import Transitions, structured_scan
from ..parameter import StateParameter, as_complex
from .mixer import MixerConfig, check_sequence
from .orthogonal import orthogonal
from .recurrent import Recurrent
from .structured import check_known, transitions


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
    softmax over rows in its place (straight through). Where a gradient is asked for, its matrices
    are dense, at state_dim^2 per position; otherwise a position costs state_dim.

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
        check_known(self.structure)
        self.structure.shapes(self.state_dim)
        require_positive("dt", self.dt)
        check_initial(self.structure, self.transition, self.initial)
        check_rule(self.rule, self.transition)

    @property
    def complex_state(self) -> bool:
        """Whether the state is complex; the output map then sees real and imaginary parts."""
        return isinstance(self.structure, OneHotDiagonal) and self.structure.entries == "complex"

    def build(self, width: int) -> LinearCDE:
        """Draw the module."""
        return LinearCDE(self, width)


class LinearCDE(Recurrent):
    """Module of `LinearCDEConfig`.

    Attributes
    ----------
    A
        Parameters of the matrices by the names of the structure, `width + 1` in front, that of
        time first.
    start
        S_0, as real pairs where the state is complex.
    C
        Output map.
    """

    def __init__(self, config: LinearCDEConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        self.A = nn.ParameterDict(_draw(config, width))
        parts = (2,) if config.complex_state else ()
        self.start = nn.Parameter(torch.randn(config.state_dim, *parts))
        self.C = nn.Linear(config.state_dim * (2 if parts else 1), width, bias=False)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Multiply the state by one matrix per position."""
        return self._scan(self.transitions(x), state)

    def lookup(
        self, table: Float[torch.Tensor, "token width"], tokens: Int[torch.Tensor, "batch time"]
    ) -> Float[torch.Tensor, "batch time width"]:
        """Give what forward gives on ``table[tokens]``, forming one matrix per row of the table."""
        check_sequence(table[None], self.width)
        if tokens.numel() < len(table):
            return self.forward(table[tokens])
        moves = self.transitions(table).map(lambda tensor: tensor[tokens])
        return self._scan(moves, self.initial_state(len(tokens)))[0]

    def transitions(self, x: Float[torch.Tensor, "... width"]) -> Transitions:
        """Matrices of each input, in the form that a product needs."""
        config = self.config
        parameters = {}
        for name, A in self.A.items():
            A = _read(config, A)
            step = config.dt ** step_power(config.structure, config.rule, name)
            A = A if config.transition == "direct" else step * A
            moved = (x.to(A.dtype) @ A[1:].flatten(1)).to(A.dtype)
            parameters[name] = moved.unflatten(-1, A.shape[1:]) + A[0]
        return transitions(stored(config.structure, config.rule), config.transition, parameters)

    def matrices(
        self, x: Float[torch.Tensor, "... width"]
    ) -> Inexact[torch.Tensor, "... state_dim state_dim"]:
        """Transition matrix of each input, formed whole."""
        return self.transitions(x).dense()

    def initial_state(self, batch_size: int) -> Inexact[torch.Tensor, "batch state_dim"]:
        """Give the trained start."""
        start = as_complex(self.start) if self.config.complex_state else self.start
        return start.expand(batch_size, -1)

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Advance by one position."""
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
    structure, parameters = config.structure, {}
    if config.initial == "orthogonal":
        found = orthogonal(structure, config.state_dim, width)
        zeros = {name: torch.zeros(1, *tensor.shape[1:]) for name, tensor in found.items()}
        return {k: StateParameter(torch.cat((zeros[k], found[k]))) for k in found}
    inputs = (width + 1) ** 0.5 if config.transition == "direct" else 1.0
    scales = start_scales(structure, config.rule, config.state_dim)
    for name, shape in stored(structure, config.rule).shapes(config.state_dim).items():
        draw = torch.randn(width + 1, *shape) * (scales[name] / inputs)
        draw[0] += structure.centres.get(name, 0.0)
        parameters[name] = StateParameter(draw)
    if config.rule == "published" and isinstance(structure, Sparse):  # zeros that stay zeros
        parameters["matrix"] = StateParameter(_read(config, parameters["matrix"].detach()))
    return parameters


def _read(config: LinearCDEConfig, A: torch.Tensor) -> torch.Tensor:
    """Give what the rule makes of a stored parameter before it is scaled and summed."""
    if config.rule == "published" and isinstance(config.structure, WalshHadamard):
        return A.tanh()
    if config.rule == "published" and isinstance(config.structure, Sparse):
        return A * _kept(config.structure, config.state_dim, len(A)).to(A.device)
    return A


@constant_when_compiled  # a draw of NumPy's, which it cannot trace
def _kept(structure: Sparse, width: int, channels: int) -> Bool[torch.Tensor, "channel row column"]:
    return torch.tensor(kept(structure, width, channels))
