"""MesaNet: the least squares of the past, solved anew at every position."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer, require_positive
from seqtheory.expressivity import Transition

from .delta_rule import Normalisation, check_normalisation
from .mixer import Mixer, TransitionClass
from .state_space import Start, check_start


@dataclass(frozen=True, kw_only=True)
class MesaNet(Mixer):
    r"""Linear attention whose query is turned by the inverse covariance of the keys so far.

    .. math::
        G_t = \gamma_t G_{t-1} + \beta_t k_t k_t^\top, \qquad
        S_t = \gamma_t S_{t-1} + \beta_t k_t v_t^\top, \qquad
        o_t = S_t^\top (G_t + \mathrm{diag}(\lambda))^{-1} q_t, \qquad y_t = W_o\, o_t

    in each head, with queries q and keys k of norm 1 in the directions of :math:`W_q x` and
    :math:`W_k x`, values :math:`v = W_v x`, :math:`\gamma = \sigma(W_a x + b_a)` and
    :math:`\beta = \sigma(W_b x + b_b)`. So :math:`o_t = M^\top q_t` with the M that minimises

    .. math:: \sum_{s \le t} \Big(\prod_{r = s + 1}^{t} \gamma_r\Big) \beta_s |M^\top k_s - v_s|^2
              + \mathrm{tr}\, M^\top \mathrm{diag}(\lambda) M.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state S; the published code has one number for both.
    ridge
        Lower bound of :math:`\lambda = \text{ridge} + \mathrm{softplus}(l)`, a number for each key
        channel, which starts at 1, or at `ridge` + 1 if that is not below 1.
    iterations
        None to solve by a Cholesky factor, to rounding. A number for as many steps of conjugate
        gradients from zero, which hold no G for every position; the published code takes 30.
    block
        True for the published layer: a causal convolution and silu behind :math:`W_q` and
        :math:`W_k`, and a root-mean-square norm of each head's output. False for the equation
        alone.
    convolution
        Length of the block's convolution; 0 for none, silu remains.
    gate
        Whether the block multiplies the normalised output by :math:`\mathrm{silu}(W_g x)`; not so
        by default, as published.
    normalisation
        How queries and keys get norm 1: "smooth", :math:`x / \sqrt{|x|^2 + 10^{-6}}`, as published,
        or "exact", :math:`x / |x|`.
    start
        "published": weights of all maps and of the convolution from N(0, 0.02^2), biases zero, as
        in the published model. "own": as the published layer alone draws them, which is as torch's
        maps do.

    Notes
    -----
    The eigenvalues of :math:`G + \mathrm{diag}(\lambda)` are at least `ridge`, so that conjugate
    gradients gain a factor of :math:`(\sqrt{\kappa} - 1) / (\sqrt{\kappa} + 1)` a step, with
    :math:`\kappa \le (\lambda_{\max} + \sum \gamma \cdots \beta) / \text{ridge}`. Their gradient is
    that of the exact solution, with as many steps for its own system.

    The states are linear with one decay a head; what is read of them is not. The published code is
    flash-linear-attention 0.6.0, `fla/layers/mesa_net.py`, which adds :math:`10^{-5}` to the
    denominators of the conjugate gradients, and so stops short of the solution.

    References
    ----------
    von Oswald et al., arXiv 2506.05233, sections 2 and 3.
    """

    heads: int = 4
    key_dim: int = 16
    value_dim: int = 16
    ridge: float = 0.25
    iterations: int | None = None
    block: bool = True
    convolution: int = 4
    gate: bool = False
    normalisation: Normalisation = "smooth"
    start: Start = "published"

    def __post_init__(self) -> None:
        for name in ("heads", "key_dim", "value_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        require_integer("convolution", self.convolution, minimum=0)
        if self.iterations is not None:
            require_integer("iterations", self.iterations, minimum=1)
        require_positive("ridge", self.ridge)
        for name in ("block", "gate"):
            require_flag(name, getattr(self, name))
        check_normalisation(self.normalisation)
        check_start(self.start)

    @property
    def transition_class(self) -> TransitionClass:
        """One number per head for both states."""
        return Transition("diagonal", "unit")
