"""S4D: a diagonal state-space model per channel, by convolution."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Literal

import numpy as np
import torch
from jaxtyping import Complex
from torch import nn

from seqtheory.checks import require_choice, require_flag, require_integer, require_memory
from seqtheory.hippo import clipped, diagonal_plus_low_rank, normal_part

from .. import ops
from ..parameter import StateParameter, as_complex, as_pair
from .complex_map import complex_normal
from .convolution import directed
from .diagonal_convolution import DiagonalConvolution
from .mixer import MixerConfig
from .real_mode import num_modes, once_last, real_last
from .start import Start, check_start
from .step_size import check_steps, log_steps


@dataclass(frozen=True, kw_only=True)
class S4DConfig(MixerConfig):
    r"""One diagonal state-space model per channel.

    .. math:: h' = A h + u, \quad y = 2\,\mathrm{Re}(C h) + D u, \qquad
              K_l = 2\,\mathrm{Re} \sum_n C_n \frac{e^{\Delta A_n} - 1}{A_n} e^{l \Delta A_n},
              \quad y = K * u + D u

    by zero-order hold. With n = 0, ..., N/2 - 1, one of each conjugate pair, A starts from

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
        the two are one.

    Notes
    -----
    Re A is kept negative as -exp(.). C starts complex normal of variance 1; B is 1 and not trained,
    since the kernel knows only the product B C. The kernel takes memory
    O(width state sqrt(time)), the convolution O(batch time width) by FFT. Imaginary parts of the
    real state are stored and have no effect.

    References
    ----------
    Gu, Gupta, Goel, Ré, arXiv 2206.11893, sections 3 and 4; the published start is that of
    state-spaces/s4 at e757cef, where B is trained by itself.
    """

    state_dim: int = 64
    initialisation: Literal["lin", "inv", "legs"] = "lin"
    discretisation: Literal["zero_order_hold", "bilinear"] = "zero_order_hold"
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_choice("initialisation", self.initialisation, ("lin", "inv", "legs"))
        choices = ("zero_order_hold", "bilinear")
        require_choice("discretisation", self.discretisation, choices)
        require_flag("bidirectional", self.bidirectional)
        check_steps(self.dt_min, self.dt_max)
        check_start(self.start)
        require_flag("skip", self.skip)

    @property
    def causal(self) -> bool:
        """Whether an output depends on nothing later."""
        return not self.bidirectional

    def build(self, width: int) -> S4D:
        """Draw the module."""
        return S4D(self, width)


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


class S4D(DiagonalConvolution):
    """Module of `S4DConfig`."""

    def __init__(self, config: S4DConfig, width: int):
        super().__init__()
        self.width, self.discretisation = width, config.discretisation
        self.odd = config.state_dim % 2 == 1
        A = torch.from_numpy(initial_eigenvalues(config.initialisation, config.state_dim))
        A = A.to(torch.get_default_device()).expand(width, -1)
        dtype = torch.get_default_dtype()
        self.log_decay = StateParameter((-A.real).log().to(dtype))
        self.frequency = StateParameter(A.imag.to(dtype).clone())
        steps = log_steps(width, 1, dt_min=config.dt_min, dt_max=config.dt_max)
        self.log_dt = StateParameter(steps)
        self.B = None
        directions = (2,) if config.bidirectional else ()
        self.C = complex_normal(*directions, *A.shape, variance=1.0)
        if config.start == "published" and config.initialisation == "legs":
            B = torch.from_numpy(clipped_input(config.state_dim)).to(as_complex(self.C))
            self.C = nn.Parameter(as_pair(B * as_complex(self.C.detach())))
        self.D = nn.Parameter(torch.randn(width)) if config.skip else None

    @property
    def eigenvalues(self) -> Complex[torch.Tensor, "width mode"]:
        """A of each channel."""
        A = as_complex(torch.stack((-self.log_decay.exp(), self.frequency), -1))
        return real_last(A) if self.odd else A

    @property
    def output_maps(self) -> Complex[torch.Tensor, "direction width mode"]:
        """C of each direction, half of it for a real state."""
        C = directed(self.C)  # a property of `super()` would stop torch.compile
        return once_last(C) if self.odd else C

    def discretised(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Exponents and gains of the chosen rule."""
        if self.discretisation == "zero_order_hold":
            return super().discretised()
        A, dt = self.eigenvalues, self.dt
        return 2 * torch.atanh(dt * A / 2), ops.bilinear(A, torch.ones_like(A), dt)[1]
