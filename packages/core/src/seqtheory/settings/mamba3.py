"""Mamba-3: the trapezoidal rule, and rotations that depend on the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import (
    require_choice,
    require_integer,
)
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .state_space import ShrunkByDepth, check_steps


@dataclass(frozen=True, kw_only=True)
class Mamba3(ShrunkByDepth):
    r"""A selective recurrence by the trapezoidal rule, with rotating states.

    .. math::
        h_k = a_k R_k h_{k-1}
              + (1 - \lambda_k) \Delta_k a_k R_k B_{k-1} u_{k-1}^\top
              + \lambda_k \Delta_k B_k u_k^\top, \qquad
        v_k = h_k^\top C_k + D u_k

    in each head, where :math:`a = e^{-\Delta A}`, R turns the pairs of rows of h by the angles
    :math:`\Delta \theta`, and, all from the input,

    .. math::
        (z, u, B', C', \Delta', A', \lambda', \theta') = W_{in} x, \quad
        \Delta = \mathrm{softplus}(\Delta' + b), \quad
        A = \mathrm{softplus}(A'), \quad
        \lambda = \sigma(\lambda'), \quad
        \theta = \pi \tanh(\theta'),

    B and C being the root-mean-square norms of B' and C' plus a vector per head. The output is
    :math:`y = W_{out} (v \odot \mathrm{silu}(z))`. At :math:`\lambda = 1` the rule is Euler's, that
    of Mamba-2, at :math:`\lambda = 1/2` the trapezoidal one, of second order.

    Parameters
    ----------
    state_dim
        N, rows of a head's state, even.
    heads
        Number of heads, a divisor of the inner width, which is `expand` times the model's.
    expand
        Ratio of the inner width to the model's width.
    dt_min, dt_max
        Steps at zero input start log-uniformly between these.
    eigenvalues
        "complex" for the rotations above; "unit" for none, factors a in [0, 1]; "signed" for none
        and :math:`2 a - 1` in place of a, in [-1, 1].
    rate
        The map from A' to A: "softplus", or "heavy_tail", 1 / (1 - A') below zero and 1 + A' above,
        which decays as the inverse of A' for negative A', where softplus decays exponentially.

    Notes
    -----
    A pair of rows is one complex state with eigenvalue :math:`e^{\Delta (-A + i \theta)}`. Instead
    of the state, B and C may be turned back by the sum of the angles so far, which leaves a
    recurrence without rotations. A is held at 1e-4 or more. B', C' and :math:`\theta'` serve all
    heads.

    The published code turns half of the rows and offers several inputs and outputs per head; here
    all rows turn, and each head has one. It turns the state by :math:`-\Delta \theta`: the two are
    equal in law, and weights carry over with the sign of the rows of :math:`W_{in}` that give
    :math:`\theta'`, the last `state_dim / 2`, changed, and zeros for pairs that do not turn.

    References
    ----------
    Mamba-3, arXiv 2603.15569 (the rule and the rotations); the parameterisation of
    :math:`\Delta, A, \lambda, \theta` is that of mamba-ssm's `Mamba3`: of 2.3.2.post1 with
    "softplus", at e9594ce with "heavy_tail".
    """

    state_dim: int = 64
    heads: int = 4
    expand: int = 2
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    eigenvalues: Literal["unit", "signed", "complex"] = "complex"
    rate: Literal["softplus", "heavy_tail"] = "softplus"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("state_dim", "heads", "expand"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.state_dim % 2:
            raise ValueError(
                f"state_dim={self.state_dim} is odd, but rows turn in pairs; "
                f"use {self.state_dim + 1}."
            )
        check_steps(self.dt_min, self.dt_max)
        require_choice("eigenvalues", self.eigenvalues, ("unit", "signed", "complex"))
        require_choice("rate", self.rate, ("softplus", "heavy_tail"))

    @property
    def transition_class(self) -> TransitionClass:
        """One number per head, real, or complex for pairs of rows."""
        return Transition("diagonal", self.eigenvalues)
