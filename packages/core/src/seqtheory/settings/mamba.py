"""Mamba: the selective recurrence (S6) alone, or inside its block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
)
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .state_space import Eigenvalues, ShrunkByDepth, check_eigenvalues, check_steps


@dataclass(frozen=True, kw_only=True)
class Mamba(ShrunkByDepth):
    r"""The selective recurrence S6, and around it, if `block`, Mamba's projections and gate.

    .. math:: h_k = e^{\Delta_k A} h_{k-1} + \Delta_k B_k u_k, \quad y_k = C_k h_k + D u_k,
              \qquad \Delta_k = \mathrm{softplus}(W_\Delta W_r u_k + b), \quad
              (B_k, C_k) = W_{BC} u_k,

    with one state per channel and n = 1, ..., N, A real, negative, from -n. The block is

    .. math:: (u, z) = W_{in} x, \qquad
              y = W_{out}\big(\mathrm{S6}(\mathrm{silu}(\mathrm{conv}(u))) \odot
              \mathrm{silu}(z)\big).

    Parameters
    ----------
    state_dim
        N, real states per channel.
    block
        True for the whole block, False for the bare recurrence, which is what the linear-CDE paper
        trains.
    input_dependent_C
        Whether C follows the input. Otherwise it is one trained vector shared by all channels, as
        in the preprint of 2024-05.
    expand
        Ratio of the block's inner width to the model's width.
    convolution
        Length of the block's causal convolution.
    step_rank
        Rank of the map from input to steps: a number, "width" for the published ceil(width / 16),
        or "inner" for ceil(inner width / 16). Without the block these two agree.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    skip
        Whether the term D u is present; D starts from 1.
    eigenvalues
        "unit" for the factors :math:`e^{\Delta_k A}`, in [0, 1], or "signed" for :math:`2
        e^{\Delta_k A} - 1`, in [-1, 1].

    Notes
    -----
    The input map is :math:`\Delta B`, Euler's, as in the published code, and not the zero-order
    hold of the paper's equation (4).

    References
    ----------
    Gu and Dao, arXiv 2312.00752, section 3 and algorithm 2; for the signed range, Grazzi et al.,
    arXiv 2411.12537, section 4.
    """

    state_dim: int = 16
    block: bool = True
    input_dependent_C: bool = True
    expand: int = 2
    convolution: int = 4
    step_rank: int | Literal["width", "inner"] = "width"
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    skip: bool = True
    eigenvalues: Eigenvalues = "unit"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("state_dim", "expand", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        if isinstance(self.step_rank, str):
            require_choice("step_rank", self.step_rank, ("width", "inner"))
        else:
            require_integer("step_rank", self.step_rank, minimum=1)
        for name in ("block", "input_dependent_C", "skip"):
            require_flag(name, getattr(self, name))
        check_steps(self.dt_min, self.dt_max)
        check_eigenvalues(self.eigenvalues)

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, in the range of `eigenvalues`."""
        return Transition("diagonal", self.eigenvalues)

    def rank(self, width: int) -> int:
        """Rank of the map to steps in a model of this width."""
        if not isinstance(self.step_rank, str):
            return self.step_rank
        inner = self.expand * width if self.block else width
        return -(-(inner if self.step_rank == "inner" else width) // 16)
