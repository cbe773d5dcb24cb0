"""LinOSS: linear oscillators, forced by the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import require_choice, require_flag, require_integer
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass


@dataclass(frozen=True, kw_only=True)
class LinOSS(Mixer):
    r"""Forced linear oscillators, discretised in one of two ways.

    .. math:: y'' = -A y + B u, \qquad z = y', \qquad
              o_k = \mathrm{Re}(C y_k) + D \odot u_k

    with A diagonal and not negative, and complex B and C. With steps :math:`\delta` in (0, 1), one
    per oscillator, and :math:`S = 1 / (1 + \delta^2 A)`, the implicit scheme is

    .. math:: \begin{pmatrix} z \\ y \end{pmatrix}_k
              = \begin{pmatrix} S & -\delta A S \\ \delta S & S \end{pmatrix}
                \begin{pmatrix} z \\ y \end{pmatrix}_{k-1}
              + \begin{pmatrix} \delta S \\ \delta^2 S \end{pmatrix} B u_k,

    whose eigenvalues :math:`S (1 \pm \mathrm i \delta \sqrt A)` have modulus :math:`\sqrt S`: it
    forgets. The implicit-explicit scheme keeps energy, with eigenvalues of modulus one while
    :math:`\delta^2 A < 4`:

    .. math:: \begin{pmatrix} z \\ y \end{pmatrix}_k
              = \begin{pmatrix} 1 & -\delta A \\ \delta & 1 - \delta^2 A \end{pmatrix}
                \begin{pmatrix} z \\ y \end{pmatrix}_{k-1}
              + \begin{pmatrix} \delta \\ \delta^2 \end{pmatrix} B u_k.

    Parameters
    ----------
    state_dim
        Number of oscillators, each of a complex z and y.
    discretisation
        "implicit" (LinOSS-IM) or "implicit_explicit" (LinOSS-IMEX).
    block
        True for the published layer, which ends in gelu; False for the equation alone. Around it
        the published block is a model with ``norm="batch"``, ``norm_position="pre"`` and the
        default GLU and residual.

    Notes
    -----
    :math:`A = \mathrm{relu}(a)` and :math:`\delta = \sigma(s)`, where a and s start uniform on
    [0, 1]; so steps start between 0.5 and 0.73. The parts of B are uniform within
    :math:`\pm 1 / \sqrt{\text{width}}`, those of C within :math:`\pm 1 / \sqrt{\text{state\_dim}}`,
    and D is N(0, 1). An oscillator whose a becomes negative stays at A = 0, where its matrix has
    one eigenvector: y then sums z, and grows with time.

    References
    ----------
    Rusch, Rus, arXiv 2410.03943, sections 2 and 3; tk-rusch/linoss at ebf2071, `models/LinOSS.py`.
    """

    state_dim: int = 64
    discretisation: Literal["implicit", "implicit_explicit"] = "implicit"
    block: bool = True

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_choice("discretisation", self.discretisation, ("implicit", "implicit_explicit"))
        require_flag("block", self.block)

    @property
    def transition_class(self) -> TransitionClass:
        """Conjugate pairs on a diagonal, the same for all inputs.

        An oscillator at A = 0 is a shear, which is no diagonal; but of its states those alone stay
        bounded on which it is the identity.
        """
        return Transition("diagonal", "complex", input_dependent=False)
