"""The delta rule: DeltaNet, its gated form, and products of several factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_positive,
)
from seqtheory.expressivity import Transition
from seqtheory.plain import added

from .mixer import Mixer, TransitionClass
from .state_space import Eigenvalues, Start, check_eigenvalues, check_start

Normalisation: TypeAlias = Literal["smooth", "exact"]
"""How a vector gets norm 1."""


def check_normalisation(value: object) -> None:
    """Raise unless `value` is "smooth" or "exact"."""
    require_choice("normalisation", value, ("smooth", "exact"))


@dataclass(frozen=True, kw_only=True)
class DeltaRule(Mixer):
    r"""Settings shared by the recurrences of the delta rule.

    Each head has a matrix S for its state. Queries q and keys k have norm 1 and the directions of
    :math:`W_q x` and :math:`W_k x`; values are :math:`v = W_v x`; strengths are
    :math:`\beta = \sigma(w x + b)` for `eigenvalues="unit"`, :math:`2\sigma(w x + b)` for "signed".
    The factor :math:`I - \beta k k^\top` is symmetric. Its eigenvalue along k is :math:`1 - \beta`,
    in [0, 1] or in [-1, 1]; all others are 1.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state S.
    eigenvalues
        "unit" for [0, 1], or "signed" for [-1, 1], which includes reflections.
    block
        True for the published layer: a causal convolution and silu behind :math:`W_q, W_k, W_v`,
        and a root-mean-square norm of each head's output. False for the equation alone.
    convolution
        Length of the block's convolution; 0 for none, and then as published
        :math:`q, k, v = \mathrm{silu}(W_q x), \mathrm{silu}(W_k x), \mathrm{silu}(W_v x)`.
    trained_start
        Whether S_0 is trained, from N(0, 1 / key_dim); otherwise it is zero.
    normalisation
        How queries and keys get norm 1: "smooth", :math:`x / \sqrt{|x|^2 + 10^{-6}}`, as in the
        published code, or "exact", :math:`x / |x|`, which makes a reflection exact up to rounding.
    read_scale
        The factor c of the output :math:`S^\top q`. None takes the published value, :math:`1 /
        \sqrt{\text{key\_dim}}`, in the block, and 1 without it. In the block it sets the size of an
        output relative to the norm's :math:`\epsilon = 10^{-5}`.
    bias
        Whether b and a bias of the convolution are present; the published code has neither.
    start
        "own": maps and convolution start as torch's do, and b from 0. "published": weights start
        from N(0, 0.02^2), biases from 0.

    Notes
    -----
    w and b place the eigenvalues: they are parameters of the recurrence, which weight decay leaves
    alone. The published code is flash-linear-attention at bc3b101, `fla/layers` and `fla/models`.
    """

    heads: int = 4
    key_dim: int = 16
    value_dim: int = 16
    eigenvalues: Eigenvalues = "unit"
    block: bool = True
    convolution: int = 4
    trained_start: bool = False
    normalisation: Normalisation = added("smooth", unsaid="exact")  # noqa: RUF009
    read_scale: float | None = added(None, unsaid=1.0)
    bias: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        for name in ("heads", "key_dim", "value_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        require_integer("convolution", self.convolution, minimum=0)
        for name in ("block", "trained_start", "bias"):
            require_flag(name, getattr(self, name))
        check_eigenvalues(self.eigenvalues)
        check_normalisation(self.normalisation)
        check_start(self.start)
        if self.read_scale is not None:
            require_positive("read_scale", self.read_scale)

    @property
    def transition_class(self) -> TransitionClass:
        """Products of Householder matrices, after a decay if there is one."""
        return Transition("householder", self.eigenvalues, factors=self.householders)

    @property
    def scale(self) -> float:
        """Factor of a query of norm 1, from `read_scale`."""
        if self.read_scale is not None:
            return self.read_scale
        return self.key_dim**-0.5 if self.block else 1.0

    @property
    def decays(self) -> bool:
        """Whether the state decays at every position."""
        return False

    @property
    def householders(self) -> int:
        """Number of factors per position."""
        return 1


@dataclass(frozen=True, kw_only=True)
class DeltaNet(DeltaRule):
    r"""Linear attention by the delta rule: a write replaces what the state recalls for its key.

    .. math::
        S_t = (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top, \qquad
        o_t = c\, S_t^\top q_t, \qquad y_t = W_o\, o_t

    in each head.

    References
    ----------
    Schlag, Irie, Schmidhuber, arXiv 2102.11174; Yang, Wang, Zhang, Shen, Kim, arXiv 2406.06484,
    section 3 (layer, computation by chunks); Grazzi et al., arXiv 2411.12537 (signed range).
    """


@dataclass(frozen=True, kw_only=True)
class GatedDeltaNet(DeltaRule):
    r"""The delta rule after a decay of the whole state.

    .. math::
        S_t = \alpha_t (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top, \qquad
        \alpha_t = \exp\big(-a\,\mathrm{softplus}(w' x_t + b')\big), \qquad
        o_t = c\, S_t^\top q_t, \qquad y_t = W_o\, o_t

    in each head. The eigenvalues are :math:`\alpha`, and :math:`\alpha (1 - \beta)` along k. In the
    block each head's output, normalised, is multiplied by :math:`\mathrm{silu}(W_g x)`.

    a starts uniformly in [1, 16], as in Mamba-2, and in (0, 16] with `start="published"`, so that
    some heads hardly forget; b' starts where softplus gives a step log-uniform in [0.001, 0.1].
    Both are parameters of the recurrence.

    References
    ----------
    Yang, Kautz, Hatamizadeh, arXiv 2412.06464, section 3.
    """

    @property
    def decays(self) -> bool:
        """Whether the state decays at every position."""
        return True


@dataclass(frozen=True, kw_only=True)
class DeltaProduct(DeltaRule):
    r"""The delta rule, applied several times at each position.

    .. math::
        S_{t,0} = \alpha_t S_{t-1}, \qquad
        S_{t,j} = (I - \beta_{t,j} k_{t,j} k_{t,j}^\top) S_{t,j-1}
                  + \beta_{t,j} k_{t,j} v_{t,j}^\top, \qquad
        o_t = c\, S_{t,n_h}^\top q_t, \qquad y_t = W_o\, o_t

    with keys, values and strengths of their own for each :math:`j = 1, \dots, n_h`, and
    :math:`\alpha = 1` unless `gated`. With `eigenvalues="signed"`, two factors are a rotation, and
    n factors any orthogonal matrix of size n. The published layer is the one with `gated=True` and
    `eigenvalues="signed"`.

    Parameters
    ----------
    factors
        The number n_h.
    gated
        Whether the state decays, and the block has a gate, as in `GatedDeltaNet`.

    References
    ----------
    Siems, Carstensen, Zela, Hutter, Pontil, Grazzi, arXiv 2502.10297; Grazzi et al., arXiv
    2411.12537, proposition 1 (what products of such factors reach).
    """

    factors: int = 2
    gated: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("factors", self.factors, minimum=1)
        require_flag("gated", self.gated)

    @property
    def decays(self) -> bool:
        """Whether the state decays at every position."""
        return self.gated

    @property
    def householders(self) -> int:
        """Number of factors per position."""
        return self.factors
