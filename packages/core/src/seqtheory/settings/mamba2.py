"""Mamba-2: matrix states with one decay per head, alone or inside their block."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import (
    require_flag,
    require_integer,
)
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .state_space import Eigenvalues, ShrunkByDepth, check_eigenvalues, check_steps


@dataclass(frozen=True, kw_only=True)
class Mamba2(ShrunkByDepth):
    r"""A selective recurrence whose states share one scalar decay in each head.

    .. math:: h_k = a_k h_{k-1} + \Delta_k B_k u_k^\top, \quad y_k = h_k^\top C_k + D u_k,
              \qquad \Delta_k = \mathrm{softplus}(W_\Delta x_k + b), \quad
              a_k = e^{-\Delta_k A},

    in each head, where u is the head's part of the channels, h has `state_dim` rows, and
    :math:`(B_k, C_k) = W_{BC} x_k` serve all heads of a group. Alone, u = x. The block is

    .. math:: (z, u', x', \Delta) = W_{in} x, \qquad
              (u, B, C) = \mathrm{silu}(\mathrm{conv}(u', x')), \qquad
              y = W_{out}\,\mathrm{norm}(y' \odot \mathrm{silu}(z)),

    with y' the recurrence's output and the root-mean-square norm of each group's channels.

    Parameters
    ----------
    state_dim
        N, rows of a head's state.
    heads
        Number of heads, a divisor of the inner width: `expand` times the model's width, or the
        model's width without the block.
    groups
        Groups of heads in a row, each with its own B and C; a divisor of `heads`.
    block
        True for the whole block, False for the bare recurrence.
    expand
        Ratio of the block's inner width to the model's width.
    convolution
        Length of the block's causal convolution.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    eigenvalues
        "unit" for decays :math:`a = e^{-\Delta A}`, in [0, 1], or "signed" for :math:`2 e^{-\Delta
        A} - 1`, in [-1, 1].

    Notes
    -----
    A, positive, starts uniformly in [1, 16], D from 1. The input map is :math:`\Delta B`, Euler's.

    References
    ----------
    Dao and Gu, arXiv 2405.21060, sections 6 and 7; for the signed range, Grazzi et al., arXiv
    2411.12537, section 4.
    """

    state_dim: int = 64
    heads: int = 4
    groups: int = 1
    block: bool = True
    expand: int = 2
    convolution: int = 4
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    eigenvalues: Eigenvalues = "unit"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("state_dim", "heads", "groups", "expand", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.heads % self.groups:
            raise ValueError(
                f"got groups={self.groups} with heads={self.heads}, expected a divisor of the "
                "heads: each group has as many."
            )
        require_flag("block", self.block)
        check_steps(self.dt_min, self.dt_max)
        check_eigenvalues(self.eigenvalues)

    @property
    def transition_class(self) -> TransitionClass:
        """One number per head, in the range of `eigenvalues`."""
        return Transition("diagonal", self.eigenvalues)
