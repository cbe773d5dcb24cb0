"""Kimi Delta Attention, its signed form, and Gated DeltaNet 2: a decay of every key channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqtheory.checks import require_choice, require_flag, require_integer, require_positive
from seqtheory.expressivity import Transition

from .delta_rule import Normalisation, check_normalisation
from .mixer import Mixer, TransitionClass
from .state_space import Eigenvalues, Start, check_eigenvalues, check_start

Decay: TypeAlias = Literal["unit", "bounded", "signed"]
"""Range of a channel's decay: (0, 1], from a lower bound to 1, or [-1, 1]."""

Gates: TypeAlias = Literal["shared", "channels"]
"""Strengths of erasing and writing: one number for both, or one for each channel of each."""


@dataclass(frozen=True, kw_only=True)
class KDA(Mixer):
    r"""The delta rule after a decay of its own for every key channel.

    .. math::
        S_t = \big(I - k_t (\epsilon_t \odot k_t)^\top\big) \mathrm{diag}(d_t)\, S_{t-1}
              + k_t (\omega_t \odot v_t)^\top, \qquad
        o_t = c\, S_t^\top q_t, \qquad y_t = W_o\, o_t

    in each head, with queries q and keys k of norm 1 in the directions of :math:`W_q x` and
    :math:`W_k x`, and values :math:`v = W_v x`. Kimi Delta Attention (KDA) has one strength,
    :math:`\epsilon = \omega = \beta = \sigma(W_b x)`, so that the transition is :math:`(I - \beta k
    k^\top)\, \mathrm{diag}(d)`; CKDA lets d and :math:`1 - \beta` go down to -1. Gated DeltaNet 2
    (GDN-2) erases by :math:`\epsilon = \sigma(W_b x)`, a number for each key channel, and writes by
    :math:`\omega = \sigma(W_w x)`, one for each value channel.

    The decays are, with one a per head and one b' per channel, and W a product of two matrices with
    `value_dim` numbers between them,

    .. math::
        d = e^{-a\, \mathrm{softplus}(W x + b')} \text{ ("unit")}, \qquad
        d = e^{g\, \sigma(a (W x + b'))} \text{ ("bounded")}, \qquad
        d = 2 e^{-a\, \mathrm{softplus}(W x + b')} - 1 \text{ ("signed")}.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state S.
    gates
        "shared" for KDA, "channels" for GDN-2.
    eigenvalues
        "unit", or "signed" for :math:`\beta` or :math:`\epsilon` twice as large, which includes
        reflections (`allow_neg_eigval` of the published code; :math:`\omega` stays).
    decay
        "unit"; "bounded", with decays above :math:`e^g` (`safe_gate`); or "signed", in [-1, 1].
    lower_bound
        The g of a bounded decay, negative.
    block
        True for the published layer: a causal convolution and silu behind :math:`W_q, W_k, W_v`, a
        root-mean-square norm of each head's output, and a gate :math:`\sigma(W' x + b'')` on it,
        W' made as W. False for the equation alone.
    convolution
        Length of the block's convolution; 0 for none, silu remains.
    trained_start
        Whether S_0 is trained, from N(0, 1 / key_dim); otherwise it is zero.
    normalisation
        How queries and keys get norm 1: "smooth", :math:`x / \sqrt{|x|^2 + 10^{-6}}`, as published,
        or "exact", :math:`x / |x|`.
    read_scale
        The factor c; None for :math:`1 / \sqrt{\text{key\_dim}}` in the block, and 1 without it.
    start
        "published": as in the published model around the layer, weights of all maps and of the
        convolution from N(0, 0.02^2), and b'' zero. "own": as the published layer alone draws them,
        which is as torch's maps do; of GDN-2 that is all there is, so both are one. In both a is
        uniform in [1, 16], or 1 for a bounded decay, and b' starts where softplus gives a step
        log-uniform in [0.001, 0.1].

    Notes
    -----
    With `eigenvalues` and `decay` both "unit" a transition's eigenvalues are in [0, 1], and in [-1,
    1] if one of them is "signed": with :math:`\kappa = \sqrt{\epsilon} \odot k` and :math:`D =
    \mathrm{diag}(d)` it is similar to :math:`(I - \kappa \kappa^\top) D`, and, of the two
    symmetric factors, one has no negative eigenvalue. If both are, eigenvalues are complex.

    a and b' are parameters of the recurrence, which weight decay leaves alone. The published code
    is flash-linear-attention at bc3b101, `fla/layers/kda.py`, `fla/layers/gdn2.py` and
    `fla/models/kda`; there is no model of GDN-2 there. It has no signed decay, and shares queries
    and keys between heads on demand, which is not offered here.

    References
    ----------
    Kimi Team, arXiv 2510.26692 (KDA); arXiv 2609.24797 (CKDA); arXiv 2605.22791 (GDN-2); Grazzi et
    al., arXiv 2411.12537 (signed range).
    """

    heads: int = 4
    key_dim: int = 16
    value_dim: int = 16
    gates: Gates = "shared"
    eigenvalues: Eigenvalues = "unit"
    decay: Decay = "unit"
    lower_bound: float = -5.0
    block: bool = True
    convolution: int = 4
    trained_start: bool = False
    normalisation: Normalisation = "smooth"
    read_scale: float | None = None
    start: Start = "published"

    def __post_init__(self) -> None:
        for name in ("heads", "key_dim", "value_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        require_integer("convolution", self.convolution, minimum=0)
        for name in ("block", "trained_start"):
            require_flag(name, getattr(self, name))
        require_choice("gates", self.gates, ("shared", "channels"))
        require_choice("decay", self.decay, ("unit", "bounded", "signed"))
        require_positive("-lower_bound", -self.lower_bound)
        check_eigenvalues(self.eigenvalues)
        check_normalisation(self.normalisation)
        check_start(self.start)
        if self.read_scale is not None:
            require_positive("read_scale", self.read_scale)

    @property
    def transition_class(self) -> TransitionClass:
        """A diagonal plus a rank of one; under both signs a Householder factor times a diagonal."""
        if self.eigenvalues == self.decay == "signed":
            if self.gates == "shared":
                return Transition("householder_diagonal", "signed")
            return Transition("diagonal_plus_low_rank", "complex")
        signed = "signed" in (self.eigenvalues, self.decay)
        return Transition("diagonal_plus_low_rank", "signed" if signed else "unit")

    @property
    def scale(self) -> float:
        """Factor of a query of norm 1, from `read_scale`."""
        if self.read_scale is not None:
            return self.read_scale
        return self.key_dim**-0.5 if self.block else 1.0
