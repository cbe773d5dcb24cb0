"""S4D: a diagonal state-space model per channel."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory.checks import require_choice, require_flag, require_integer, require_memory
from seqtheory.hippo import clipped, diagonal_plus_low_rank, normal_part

from .mixer import TransitionClass
from .state_space import (
    Directed,
    Discretisation,
    Start,
    check_discretisation,
    check_start,
    check_steps,
    fixed_transition,
    num_modes,
)

if TYPE_CHECKING:
    from jaxtyping import Complex


@dataclass(frozen=True, kw_only=True)
class S4D(Directed):
    r"""One diagonal state-space model per channel.

    .. math:: h' = A h + u, \quad y = 2\,\mathrm{Re}(C h) + D u, \qquad
              K_l = 2\,\mathrm{Re} \sum_n C_n g_n \bar A_n^l, \quad y = K * u + D u

    with one of each of N/2 conjugate pairs, n = 0, ..., N/2 - 1, and the gain
    :math:`g = (e^{\Delta A} - 1) / A` of zero-order hold. A starts from

    - "lin": :math:`-\tfrac12 + i \pi n`
    - "inv": :math:`-\tfrac12 + i \tfrac{N}{\pi} (\tfrac{N}{2n + 1} - 1)`
    - "legs": the eigenvalues of HiPPO-N with positive imaginary part.

    An odd N has one real state more, without the 2, which starts from -1/2: the value of "lin" at
    n = 0 (its pairs then begin at n = 1), of "inv" at n = (N - 1)/2, and the real one of HiPPO-N.

    Parameters
    ----------
    state_dim
        N, real states per channel, even or odd.
    initialisation
        "lin", "inv" or "legs".
    discretisation
        "zero_order_hold", or "bilinear", where :math:`e^{\Delta A}` is
        :math:`(1 + \Delta A / 2) / (1 - \Delta A / 2)` and the gain
        :math:`\Delta / (1 - \Delta A / 2)`.
    bidirectional
        Whether a second kernel, with a C of its own, runs backwards in time. The mixer is then not
        causal and has no `step`.
    dt_min, dt_max
        Steps of the channels start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own" as said in the notes, or "published": with "legs", C is multiplied by the B of HiPPO
        whose imaginary parts are clipped at 2 (`seqtheory.hippo.clipped`). With "lin" and "inv"
        both starts are equal.

    Notes
    -----
    Re A is kept negative as -exp(.). C starts complex normal of variance 1; B is 1 and not trained,
    since the kernel knows only the product B C. Imaginary parts of the real state are stored and
    have no effect.

    References
    ----------
    Gu, Gupta, Goel, Ré, arXiv 2206.11893, sections 3 and 4; the published start is that of
    state-spaces/s4 at e757cef, where B is trained by itself.
    """

    state_dim: int = 64
    initialisation: Literal["lin", "inv", "legs"] = "lin"
    discretisation: Discretisation = "zero_order_hold"
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_choice("initialisation", self.initialisation, ("lin", "inv", "legs"))
        check_discretisation(self.discretisation)
        require_flag("bidirectional", self.bidirectional)
        check_steps(self.dt_min, self.dt_max)
        check_start(self.start)
        require_flag("skip", self.skip)

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, the same for all inputs."""
        if not self.causal:
            return "none"
        return fixed_transition(self.discretisation, real=self.state_dim == 1)

    @property
    def first_input(self) -> Complex[np.ndarray, " mode"] | None:
        """Factor of C at the start; None for 1."""
        if self.start == "published" and self.initialisation == "legs":
            return clipped_input(self.state_dim)
        return None


def initial_eigenvalues(initialisation: str, state_dim: int) -> Complex[np.ndarray, " mode"]:
    """Give the initial A, one eigenvalue of each conjugate pair; the real one, if any, last."""
    modes = num_modes(state_dim)
    require_memory(6 * 16 * modes, f"the eigenvalues of state_dim={state_dim:,}")
    if initialisation == "legs":
        return normal_part(state_dim)[0][:modes]
    n = np.arange(modes)
    if initialisation == "lin":
        return -0.5 + 1j * pi * (np.roll(n, -1) if state_dim % 2 else n)
    return -0.5 + 1j * state_dim / pi * (state_dim / (2 * n + 1) - 1)


def clipped_input(state_dim: int) -> Complex[np.ndarray, " mode"]:
    """Give the B of HiPPO, clipped, of one state of each conjugate pair."""
    return clipped(diagonal_plus_low_rank(state_dim)).input[: num_modes(state_dim)]
