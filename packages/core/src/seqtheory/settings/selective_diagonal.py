"""A diagonal recurrence whose complex transition depends on the input."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

from seqtheory.checks import (
    require_flag,
    require_integer,
    require_positive,
)
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass


@dataclass(frozen=True, kw_only=True)
class SelectiveDiagonal(Mixer):
    r"""Diagonal recurrence with an input-dependent decay and an input-dependent rotation.

    .. math:: h_k = \lambda(x_k) \odot h_{k-1} + \sqrt{1 - |\lambda(x_k)|^2} \odot B x_k, \qquad
              \lambda(x) = \exp(-\mathrm{softplus}(W x + b) + i (V x + c)), \qquad
              y_k = \mathrm{Re}(C h_k) + D x_k.

    Each state multiplies numbers in the unit disc, so products of transitions commute. One layer
    can follow every abelian group (turn state j by the value of the j-th character), and no other.

    Parameters
    ----------
    state_dim
        Number of complex states, at least 1.
    unit_modulus
        Whether \|lambda\| is 1: no decay, and the input then enters by rotation alone.
    phase_scale
        Standard deviation of the initial phases V x, in radians, for x of independent N(0, 1)
        entries. The default spreads them over the circle.

    Notes
    -----
    The initial state h_0 is trained and starts at 1 in every state: a rotation of zero would
    remain zero. The drive is normalised as in the linear recurrent unit, so that \|h\| stays
    bounded for every input, and vanishes at unit modulus. With decay, b starts at -4: a state
    keeps half of its modulus for about 38 steps.

    W, b, V and c place the eigenvalues, so they are parameters of the recurrence
    (`StateParameter`), like the matrices of a linear CDE: weight decay would pull every rotation
    back to the identity. h_0, B, C and D are ordinary parameters.

    References
    ----------
    The model class of arXiv 2603.01959 (diagonal complex input-dependent recurrences); Grazzi et
    al., arXiv 2411.12537, theorem 2, on why the phase must be free. Drive as in Orvieto et al.,
    arXiv 2303.06349.
    """

    state_dim: int = 64
    unit_modulus: bool = False
    phase_scale: float = pi

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("unit_modulus", self.unit_modulus)
        require_positive("phase_scale", self.phase_scale, zero_allowed=True)

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, turned by the input."""
        return Transition("diagonal", "complex")
