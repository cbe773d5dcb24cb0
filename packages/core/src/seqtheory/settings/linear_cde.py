"""The trainable linear controlled differential equation, one matrix per input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.expressivity import Transition
from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    Structure,
    WalshHadamard,
)
from seqtheory.structure._rule import Rule, check_rule, start_scales, step_power, stored
from seqtheory.structure._start import check_initial
from seqtheory.structure._transition import check_transition

from .mixer import Mixer, TransitionClass


class Draw(NamedTuple):
    """How a parameter starts: N(0, deviation^2) of this shape per input, and a mean for time."""

    shape: tuple[int, ...]
    deviation: float
    mean: float


@dataclass(frozen=True, kw_only=True)
class LinearCDE(Mixer):
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
        The step :math:`\Delta`, which does not depend on the length. "direct" has none.
    initial
        "random", the draw of the structure; or "orthogonal", for "direct" transitions alone: each
        :math:`A_i` is a random orthogonal matrix and :math:`A_0` zero, so that on one-hot inputs
        (`TokenInput(one_hot=True)`) every token has a matrix of its own that keeps the norm.
    rule
        "own", or "published", that of the code of Walker et al., with "first_order" alone:
        :math:`G = \Delta\,\mathrm{diag}(d) + \Delta^2 U V^\top` for low rank;
        :math:`G = \Delta H\,\mathrm{diag}(\tanh d_0 + \sum_i \tanh(d_i) x^i) / \sqrt n` for
        Walsh-Hadamard; and for sparse ones entries :math:`m_i \odot A_i`, where each entry of each
        :math:`m_i` is 1 with probability `density`, so that their sum is hardly sparse. For the
        other structures both rules agree.

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

    The parameters of the matrix are linear in the input, not always the matrix.
    `DiagonalPlusLowRank` is
    :math:`\Delta (\mathrm{diag}(d(x)) + U(x) V(x)^\top)`, of the same rank for any number of inputs
    and quadratic in x, where the sum over i of such matrices would have a growing rank.

    The place that `OneHotDiagonal` chooses is discrete, in training too. Its gradient is replaced
    by that of a softmax over the logits of that choice (straight-through).

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
    def transition_class(self) -> TransitionClass:
        """Class of the structure; an exponential of a diagonal is positive."""
        match self.structure:
            case Diagonal() | BlockDiagonal(block_size=1):
                positive = self.transition == "exponential"
                return Transition("diagonal", "unit" if positive else "signed")
            case BlockDiagonal(block_size=size):
                return Transition("block_diagonal", "complex", size=size)
            case DiagonalPlusLowRank(rank=rank):
                return Transition("diagonal_plus_low_rank", "complex", factors=rank)
            case Sparse():
                return Transition("sparse", "complex")
            case WalshHadamard():
                return Transition("walsh_hadamard", "complex")
            case OneHotDiagonal(one_per=one_per):
                kind = "one_hot_diagonal" if one_per == "column" else "diagonal_one_hot"
                return Transition(kind, "complex", size=self.state_dim)
            case Dense():
                return Transition("dense", "complex", size=self.state_dim)
            case _:
                return "undeclared"

    @property
    def complex_state(self) -> bool:
        """Whether the state is complex; the output map then sees real and imaginary parts."""
        return isinstance(self.structure, OneHotDiagonal) and self.structure.entries == "complex"

    @property
    def straight_through(self) -> bool:
        """Whether its gradients are by intention those of another map: of the soft choice."""
        return isinstance(self.structure, OneHotDiagonal)

    @property
    def pair(self) -> tuple[int, ...]:
        """Last axis of the stored initial state: none, or (2,) for real and imaginary parts."""
        return (2,) if self.complex_state else ()

    @property
    def thinned(self) -> bool:
        """Whether matrices are stored whole, with zeros among their entries that stay zeros."""
        return self.rule == "published" and isinstance(self.structure, Sparse)

    @property
    def stored(self) -> Structure:
        """Structure of the parameters that a model holds."""
        return stored(self.structure, self.rule)

    def step(self, name: str) -> float:
        """Give the factor on the parameter of this name that stands for the step."""
        if self.transition == "direct":
            return 1.0
        return self.dt ** step_power(self.structure, self.rule, name)

    def draws(self, width: int) -> dict[str, Draw]:
        """Give the draw of each stored parameter at this width, for ``initial="random"``."""
        inputs = (width + 1) ** 0.5 if self.transition == "direct" else 1.0
        scales = start_scales(self.structure, self.rule, self.state_dim)
        centres = self.structure.centres
        return {
            name: Draw(shape, scales[name] / inputs, centres.get(name, 0.0))
            for name, shape in self.stored.shapes(self.state_dim).items()
        }
