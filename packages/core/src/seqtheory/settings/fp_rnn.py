"""FP-RNN: a recurrence that mixes channels, as the fixed point of a diagonal one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from seqtheory.checks import require_choice, require_flag, require_integer
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass
from .state_space import Eigenvalues, check_eigenvalues

Mixing: TypeAlias = Literal["householder", "low_rank"]
"""How channels are mixed: by a product of Householder matrices, or the identity minus a sum."""

Gradient: TypeAlias = Literal["last", "all"]
"""What gradients go through: the last iteration alone, or all of them."""


@dataclass(frozen=True, kw_only=True)
class FPRNN(Mixer):
    r"""The fixed point of a diagonal linear recurrence around a map of the channels.

    .. math::
        h_t = \lambda_t \odot h_{t-1} + (1 - \lambda_t) \odot
              \big(M_t (d_t - h_t) + h_t\big), \qquad d_t = \mathrm{silu}(W_b x_t) \odot x_t, \\
        M_t = \prod_i \big(I - \gamma \alpha_i u_i u_i^\top\big) \quad\text{or}\quad
        M_t = I - \gamma \sum_i \alpha_i u_i u_i^\top, \\
        u_i \propto \mathrm{silu}(U_i (x_t, h_{t-1})), \quad |u_i| = 1, \qquad
        \alpha = \sigma(W_\alpha (x_t, h_{t-1}) + b_\alpha), \qquad
        \lambda = \sigma(W_\lambda x_t + b_\lambda)

    with :math:`x \leftarrow W_{in} x`. The right side is one linear scan for a given h, which is
    put in again until nothing changes. Alone, :math:`y = W_{out} h`. The block is

    .. math::
        (x, z) \leftarrow W_{in} x, \qquad
        y_t = W_{out}\, \mathrm{norm}\big(
            \mathrm{silu}(z_t) \odot \mathrm{silu}(W_c (x_t, h_{t-1})) \odot h_t\big).

    Parameters
    ----------
    expand
        Channels of h as a multiple of the width.
    mixing
        "householder" for the product, in which the factor i = 1 acts first, or "low_rank" for the
        identity minus the sum.
    rank
        Number of directions u.
    eigenvalues
        "signed" for :math:`\gamma = 2`, as published, so that a factor has its eigenvalues in
        (-1, 1], or "unit" for :math:`\gamma = 1`.
    state_dependent
        Whether u and :math:`\alpha` see the state before, as published for state tracking, or the
        input alone, which makes the recurrence linear.
    iterations
        None for the fixed point itself, solved position by position. A number for as many
        iterations from zero, each a scan over all positions.
    gradient
        "last", as published: in training of the last iteration alone, with what was put into it
        held fixed. "all": of the map itself, as always in evaluation.
    block
        True for the published layer, False for the equation alone.
    convolution
        Length of the block's causal convolutions, each with a silu behind it: of x for
        :math:`\lambda`, d's gate, M and d itself, and of (x, h) for the output gate, which then
        reads h at the same position. 0 for none, as published for state tracking.

    Notes
    -----
    The fixed point is

    .. math:: h_t = (\Lambda + (I - \Lambda) M)^{-1}
              \big(\Lambda h_{t-1} + (I - \Lambda) M d_t\big),

    so that the transition is the resolvent :math:`A = (I + W M)^{-1}` with
    :math:`W = (1 - \lambda) / \lambda > 0`: the diagonal :math:`\Lambda` plus a rank of `rank`.
    Iterations reach it where :math:`(I - \Lambda)(I - M)` has a spectral radius below 1; the
    solution is there without that.

    If M is symmetric, so is A in the units of :math:`\sqrt{W}`, and its eigenvalues are real. If M
    has a positive symmetric part, as wherever :math:`|I - M| < 1`, they are in the disc over
    [0, 1] as its diameter, which meets the unit circle in 1 alone. For one direction u they are
    positive exactly where iterations converge.

    n iterations are n diagonal layers, one after the other, with eigenvalues in (0, 1) each: at
    finite precision they follow star-free languages alone.

    Weights start as those of torch's linear maps, biases from zero, as in the published model. The
    published code is dr-faustus/fp-rnn at 4c28602, `models/fp_rnn_block.py`; it iterates until the
    largest relative change in most rows of a batch is below 0.1, so that what a row gives depends
    on other rows and on later positions.

    References
    ----------
    Movahedi, Sarnthein, Muca Cirone and Orvieto, arXiv 2503.10799.
    """

    expand: int = 2
    mixing: Mixing = "householder"
    rank: int = 1
    eigenvalues: Eigenvalues = "signed"
    state_dependent: bool = True
    iterations: int | None = None
    gradient: Gradient = "last"
    block: bool = True
    convolution: int = 0

    def __post_init__(self) -> None:
        for name in ("expand", "rank"):
            require_integer(name, getattr(self, name), minimum=1)
        require_choice("mixing", self.mixing, get_args(Mixing))
        require_choice("gradient", self.gradient, get_args(Gradient))
        check_eigenvalues(self.eigenvalues)
        for name in ("state_dependent", "block"):
            require_flag(name, getattr(self, name))
        if self.iterations is not None:
            require_integer("iterations", self.iterations, minimum=1)
        require_integer("convolution", self.convolution, minimum=0)
        if self.convolution and not self.block:
            raise ValueError(
                f"got convolution={self.convolution} with block=False, but the equation alone has "
                "none; set it to 0."
            )

    @property
    def straight_through(self) -> bool:
        """Whether gradients are of the last iteration alone in training, and not of the map."""
        return self.gradient == "last"

    @property
    def transition_class(self) -> TransitionClass:
        """One diagonal layer an iteration; a fixed point is nonlinear if M sees the state."""
        if self.iterations is not None:
            return Transition("diagonal", "unit", layers=self.iterations)
        if self.state_dependent:
            return "nonlinear"
        if self.rank == 1:
            return Transition("resolvent", self.eigenvalues)
        spectrum = "complex" if self.mixing == "householder" else "signed"
        return Transition("resolvent", spectrum, factors=self.rank)
