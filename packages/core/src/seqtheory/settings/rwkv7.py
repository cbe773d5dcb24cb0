"""RWKV-7: matrix states whose transition is a diagonal minus a rank of one."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import ClassVar, Literal, TypeAlias

from seqtheory.checks import require_choice, require_integer
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .placed import Placed
from .state_space import Start, check_start

LEAST_DECAY = exp(-exp(-0.5))
"""Bound below the factor w by which a channel decays: 0.545."""

Rates: TypeAlias = Literal["published", "signed"]
"""Range of a channel's rate of removal: (0, 1), or (0, 1 + w)."""


@dataclass(frozen=True, kw_only=True)
class RWKV7(Placed):
    r"""RWKV-7's time mixing: a decay of each channel, and a removal along a key of its own.

    With :math:`x^m = x_t + \mu_m \odot (x_{t-1} - x_t)` for each m of r, w, k, v, a, g,

    .. math::
        r = W_r x^r, \quad k = W_k x^k, \quad v = W_v x^v, \quad
        w = \exp\big(-e^{-1/2}\, \sigma(B_w \tanh(A_w x^w) + b_w)\big), \\
        a = \sigma(B_a A_a x^a + b_a), \qquad g = B_g\, \sigma(A_g x^g), \qquad
        \nu = \sigma(B_v A_v x^v + b_v), \\
        \kappa = k \odot \xi \,/\, |k \odot \xi|, \qquad
        \tilde k = k \odot (1 + (a - 1) \odot \alpha), \qquad
        v \leftarrow v + \nu \odot (v^1 - v),

    where :math:`v^1` are the values of the model's first layer, which has no :math:`\nu` itself,

    .. math::
        S_t = \big(\mathrm{diag}(w) - (\eta \odot \kappa) \kappa^\top\big) S_{t-1}
              + \tilde k v^\top, \qquad o_t = S_t^\top r, \\
        y_t = W_o \big(g \odot (\mathrm{norm}(o_t) + (r^\top (\rho \odot \tilde k))\, v)\big)

    in each head, with the rates of removal :math:`\eta = a`.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state S.
    decay_rank, rate_rank, value_rank, gate_rank
        Rows of the maps :math:`A_w, A_a, A_v, A_g`. None takes the published multiple of 32, which
        grows as the root of the model's width.
    eigenvalues
        "published" for :math:`\eta = a`, in (0, 1), or "signed" for :math:`\eta = (1 + w) \odot a`.
    start
        "published": some maps start from zero, the output's too. "own": the same, but these maps
        start as torch's linear ones, so that every parameter has a gradient from the first step.
    layer, layers
        Place of the layer, counted from 0, and number of layers, on which initial values depend.
        None for its place in the model; a module built alone is the first of one.

    Notes
    -----
    With :math:`\eta > 0` the transition is similar, by :math:`\mathrm{diag}(\sqrt{\eta})`, to the
    symmetric :math:`\mathrm{diag}(w) - u u^\top` with :math:`u = \sqrt{\eta} \odot \kappa`: its
    eigenvalues are real, and at most one of them is below all w. Since w is in (0.545, 1) and
    :math:`|u|^2 < 1`, they are in (-0.455, 1) as published: no reflection. They are above -1 if
    :math:`\sum_i u_i^2 / (1 + w_i) < 1`, which "signed" is made to obey; it approaches the
    reflection :math:`I - 2 \kappa \kappa^\top`. A plain :math:`\eta = 2 a` would reach -1.455.

    Maps, biases and scales of w, a and :math:`\kappa` are parameters of the recurrence. The
    published code is flash-linear-attention 0.6.0, `fla/layers/rwkv7.py`.

    References
    ----------
    Peng et al., arXiv 2503.14456, section 4 (equation 17: the recurrence).
    """

    shares: ClassVar[bool] = True

    heads: int = 4
    key_dim: int = 16
    value_dim: int = 16
    decay_rank: int | None = None
    rate_rank: int | None = None
    value_rank: int | None = None
    gate_rank: int | None = None
    eigenvalues: Rates = "published"
    start: Start = "published"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("heads", "key_dim", "value_dim"):
            require_integer(name, getattr(self, name), minimum=1)
        for name in ("decay_rank", "rate_rank", "value_rank", "gate_rank"):
            if getattr(self, name) is not None:
                require_integer(name, getattr(self, name), minimum=1)
        require_choice("eigenvalues", self.eigenvalues, ("published", "signed"))
        check_start(self.start)

    @property
    def transition_class(self) -> TransitionClass:
        """A diagonal minus a rank of one, with real eigenvalues; above -0.455 as published."""
        lowest = LEAST_DECAY - 1 if self.eigenvalues == "published" else -1.0
        return Transition("diagonal_plus_low_rank", "signed", lowest=lowest)

    def rank(self, name: Literal["decay", "rate", "value", "gate"], width: int) -> int:
        """Rows of the first map of a pair, by the published rule where none are set."""
        given: int | None = getattr(self, f"{name}_rank")
        if given is not None:
            return given
        share = {"decay": 2.5, "rate": 2.5, "value": 1.7, "gate": 5.0}[name]
        wide = 1.0 if name == "gate" else self.key_dim / 64
        return max(32, round(share * width**0.5 * wide / 32) * 32)
