"""Residual recurrent networks whose eigenvalues are reparameterised."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, pi
from typing import Literal

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.utils import parametrizations

from seqtheory.checks import require_choice, require_flag, require_positive
from seqtheory.reparameterisation import (
    DiscreteReparameterisation,
    Euler,
    Exp,
    Reparameterisation,
    Sampled,
)

from ..ops.linear import linear_scan
from ..ops.residual import residual_scan
from ..parameter import StateParameter
from ..reparameterisation import check_parameterisation, initial_weights, rate
from .mixer import MixerConfig
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class ResidualRNNConfig(MixerConfig):
    r"""Residual recurrence with a symmetric matrix, given by its eigenvalues.

    .. math:: h_k = h_{k-1} + \Delta\, \sigma(x_k - P^\top \mathrm{diag}(r) P\, h_{k-1}),
              \qquad y_k = h_k, \qquad h_{-1} = 0,

    where :math:`1 - \Delta r`, by which a step multiplies a linear mode, belongs to the eigenvalue
    p(w) of the mode in continuous time:

    - step "exponential": :math:`e^{\Delta p(w)}`. The mode decays as :math:`e^{p(w) t}` exactly,
      and is stable for every p(w) < 0.
    - step "euler": :math:`1 + \Delta p(w)`, as published; unstable once :math:`\Delta p(w) < -2`.

    A discrete parameterisation gives that factor itself.

    Parameters
    ----------
    parameterisation
        The map p from trained weights to eigenvalues, of `seqtheory.reparameterisation`.
    matrix
        "diagonal": P is the identity. "orthogonal": P is trained and remains orthogonal, up to
        rounding, as the exponential of a skew matrix. "free": P starts orthogonal and is an
        ordinary matrix afterwards, as published; the rates then are no eigenvalues any more.
    activation
        The function :math:`\sigma`: "linear", "tanh" or "hardtanh".
    step
        "exponential" or "euler".
    dt
        The step :math:`\Delta`, in units of time. Published experiments take 1.
    min_rate, max_rate
        The modes start with -p(w) log-uniform between these, per unit of time.
    initialisation
        "rates", as above, or "upstream": w from N(0, 1), whatever the parameterisation. With the
        rectifier about half of the modes then are perfect integrators, which no gradient moves.
    upstream_gain
        Whether the input is multiplied by :math:`\sqrt{1 - (\Delta r)^2}`, as in the model that the
        published code calls LRU (with a diagonal, ``Sampled(Exp())`` and dt 1). It takes the share
        that a mode loses for its eigenvalue, and has no complex modes: see `LRUConfig` for the
        linear recurrent unit.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, is out of range or contradicts another; it is named.

    Notes
    -----
    A linear recurrence runs as a linear scan, in the eigenbasis if P is orthogonal; the others run
    as `ops.residual_scan`. The published experiments use float64 throughout: call ``.double()``.

    References
    ----------
    Wang, Li, Li, arXiv 2305.19190, and the code published with it (its SimpleDiagonalRNN, SimpleRNN
    and SoftplusRNN are ReLU or Softplus with step "euler", initialisation "upstream", and matrix
    "diagonal" or "free").
    """

    parameterisation: Reparameterisation | DiscreteReparameterisation = field(default_factory=Exp)
    matrix: Literal["diagonal", "orthogonal", "free"] = "orthogonal"
    activation: Literal["linear", "tanh", "hardtanh"] = "tanh"
    step: Literal["exponential", "euler"] = "exponential"
    dt: float = 1.0
    min_rate: float = 0.01
    max_rate: float = 1.0
    initialisation: Literal["rates", "upstream"] = "rates"
    upstream_gain: bool = False

    def __post_init__(self) -> None:
        check_parameterisation(
            self.parameterisation, (Reparameterisation, DiscreteReparameterisation)
        )
        require_choice("matrix", self.matrix, ("diagonal", "orthogonal", "free"))
        require_choice("activation", self.activation, ("linear", "tanh", "hardtanh"))
        require_choice("step", self.step, ("exponential", "euler"))
        require_choice("initialisation", self.initialisation, ("rates", "upstream"))
        for name in ("dt", "min_rate", "max_rate"):
            require_positive(name, getattr(self, name))
        require_flag("upstream_gain", self.upstream_gain)
        if self.min_rate > self.max_rate:
            raise ValueError(
                f"got min_rate={self.min_rate} above max_rate={self.max_rate}; exchange them."
            )
        if self.step == "euler" and isinstance(self.parameterisation, DiscreteReparameterisation):
            raise ValueError(
                f"step='euler' turns a continuous eigenvalue into a factor, but "
                f"{self.parameterisation} gives the factor itself; leave step at 'exponential'."
            )
        if self.upstream_gain and self.matrix != "diagonal":
            raise ValueError(
                f"upstream_gain=True is published for matrix='diagonal'; got {self.matrix!r}."
            )

    @property
    def transition(self) -> DiscreteReparameterisation:
        """Map from weights to the factor by which a step multiplies a linear mode."""
        if isinstance(self.parameterisation, DiscreteReparameterisation):
            return self.parameterisation
        discretised = Euler if self.step == "euler" else Sampled
        return discretised(self.parameterisation, self.dt)

    def build(self, width: int) -> ResidualRNN:
        """Draw the module."""
        return ResidualRNN(self, width)


class ResidualRNN(Recurrent):
    """Module of `ResidualRNNConfig`."""

    def __init__(self, config: ResidualRNNConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        self.transition = config.transition  # made once: the compiler cannot name what it makes
        self.w = StateParameter(_weights(config, width))
        self.similarity = None if config.matrix == "diagonal" else _similarity(config, width)

    @property
    def eigenvalues(self) -> Float[torch.Tensor, " width"]:
        r"""Factors :math:`1 - \Delta r` by which a linear step multiplies the modes."""
        return 1 - self._losses

    @property
    def _losses(self) -> torch.Tensor:
        r"""Shares :math:`\Delta r` that the modes lose in a step, without cancellation."""
        return rate(self.transition, self.w)

    def initial_state(self, batch_size: int) -> Float[torch.Tensor, "batch width"]:
        """Zero."""
        return self.w.new_zeros(batch_size, self.width)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Float[torch.Tensor, "batch width"]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run over time; the state is in the eigenbasis if a linear scan runs there."""
        losses, config = self._losses, self.config
        x = x.to(losses.dtype)
        if config.upstream_gain:
            x = x * torch.sqrt(1 - losses.square())
        P = None if self.similarity is None else self.similarity.weight
        if config.activation == "linear" and config.matrix != "free":
            drive = config.dt * (x if P is None else x @ P.mT)
            h = linear_scan(1 - losses, drive, state)
            return (h if P is None else h @ P), h[:, -1]
        rates = losses / config.dt
        matrix = -rates if P is None else P.mT @ (-rates[:, None] * P)
        h = residual_scan(x, matrix, state, dt=config.dt, activation=config.activation)
        return h, h[:, -1]


def _weights(config: ResidualRNNConfig, width: int) -> torch.Tensor:
    if config.initialisation == "upstream":
        return torch.randn(width)
    rates = torch.empty(width).uniform_(log(config.min_rate), log(config.max_rate)).exp()
    if isinstance(config.parameterisation, DiscreteReparameterisation):
        rates = -torch.expm1(-config.dt * rates)
    return initial_weights(config.parameterisation, rates)


def _similarity(config: ResidualRNNConfig, width: int) -> nn.Linear:
    """Linear map P, orthogonal at first and, unless it is free, ever after."""
    P = nn.Linear(width, width, bias=False)
    if config.matrix == "free":
        nn.init.orthogonal_(P.weight)
        P.weight = StateParameter(P.weight.detach())
        return P
    # P is the exponential of a skew matrix alone, with no stored factor that a change of type would
    # leave rounded. This variance lets its angles reach pi, where the exponential still is smooth.
    nn.init.normal_(P.weight, std=pi / (2 * width**0.5))
    parametrizations.orthogonal(P, orthogonal_map="matrix_exp", use_trivialization=False)
    trained = P.get_submodule("parametrizations.weight")
    marked = StateParameter(trained.get_parameter("original").detach())
    trained.register_parameter("original", marked)
    return P
