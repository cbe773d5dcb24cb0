"""Minimal recurrent networks, whose gates see the input alone: minGRU and minLSTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from seqtheory.checks import require_choice, require_flag, require_integer, require_positive
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass

Candidate: TypeAlias = Literal["positive", "linear"]
"""What a gate lets in: a positive map of the input, or a linear one."""


@dataclass(frozen=True, kw_only=True)
class MinimalRNN(Mixer):
    r"""Settings shared by minGRU and minLSTM, whose state is a vector of `expand` times the width.

    .. math:: y_t = W_o h_t + b_o, \qquad \tilde h_t = g(W_h x_t + b_h)

    with :math:`g(x) = x + 1/2` for :math:`x \ge 0` and :math:`\sigma(x)` below, or
    :math:`g(x) = x`.

    Parameters
    ----------
    expand
        Ratio of the state's size to the width.
    candidate
        "positive" for the first g, as published with a computation by logarithms, or "linear", of
        the same paper's plain form.
    trained_start
        Whether :math:`h_0 = g(p)` with a trained p from N(0, 1); otherwise it is zero.

    Notes
    -----
    Maps start as torch's do, from U(-1, 1) over the root of their inputs' number, as published.

    References
    ----------
    Feng et al., arXiv 2410.01201, sections 3.1 and 3.2, appendix B;
    BorealisAI/minRNNs at ff52e9d.
    """

    expand: int = 1
    candidate: Candidate = "positive"
    trained_start: bool = False

    def __post_init__(self) -> None:
        require_integer("expand", self.expand, minimum=1)
        require_choice("candidate", self.candidate, ("positive", "linear"))
        require_flag("trained_start", self.trained_start)

    @property
    def transition_class(self) -> TransitionClass:
        """A number for each entry of the state, between 0 and 1."""
        return Transition("diagonal", "unit")


@dataclass(frozen=True, kw_only=True)
class MinGRU(MinimalRNN):
    r"""Minimal gated recurrent unit: each entry moves a share of the way to what comes in.

    .. math:: z_t = \sigma(W_z x_t + b_z), \qquad
              h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t
    """


@dataclass(frozen=True, kw_only=True)
class MinLSTM(MinimalRNN):
    r"""Minimal long short-term memory: what is kept and what is let in have gates of their own.

    .. math:: f_t = \sigma(W_f x_t + b_f), \qquad i_t = \sigma(W_i x_t + b_i), \qquad
              h_t = \frac{f_t}{f_t + i_t} \odot h_{t-1} + \frac{i_t}{f_t + i_t} \odot \tilde h_t

    Parameters
    ----------
    normalised
        Whether the gates are divided by their sum, so that the state's size does not depend on the
        length; otherwise :math:`f_t` and :math:`i_t` themselves stand there.
    forget_bias
        Added to the start of :math:`b_f`; the paper finds that large ones train faster.

    References
    ----------
    Feng et al., arXiv 2410.01201, section 3.2.
    """

    normalised: bool = True
    forget_bias: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_flag("normalised", self.normalised)
        require_positive("forget_bias", self.forget_bias, zero_allowed=True)
