"""A residual recurrence between two small networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seqtheory import plain
from seqtheory.checks import (
    require_choice,
)

from .mixer import Mixer, TransitionClass
from .residual_rnn import ResidualRNN


@dataclass(frozen=True, kw_only=True)
class ResidualSSM(Mixer):
    r"""Nonlinear maps before and after a residual recurrence.

    .. math:: h = \mathrm{recurrence}(g(x_0), g(x_1), \dots), \qquad y_k = f(h_k), \qquad
              f, g: \; v \mapsto W_2\, \sigma(W_1 v + b_1) + b_2.

    With the default, a linear recurrence, this is a state-space model: all nonlinearity acts on one
    position at a time.

    Parameters
    ----------
    recurrence
        Settings of the recurrence. The published code leaves the activation inside it as well,
        which makes it a recurrent network again: ``activation="tanh"`` in its settings.
    activation
        The function of f and g, "tanh" or "hardtanh".

    References
    ----------
    Wang, Xue, arXiv 2309.13414; the model "SimpleSSM" of the code published with arXiv 2305.19190.
    """

    recurrence: ResidualRNN = field(default_factory=lambda: ResidualRNN(activation="linear"))
    activation: Literal["tanh", "hardtanh"] = "tanh"

    def __post_init__(self) -> None:
        kind = plain.field_types(type(self))["recurrence"]
        if not isinstance(self.recurrence, kind):
            raise TypeError(
                f"recurrence={self.recurrence!r} is none; expected a value such as "
                f"{kind.__name__}(activation='linear')."
            )
        require_choice("activation", self.activation, ("tanh", "hardtanh"))

    @property
    def transition_class(self) -> TransitionClass:
        """Class of the recurrence between the networks."""
        return self.recurrence.transition_class
