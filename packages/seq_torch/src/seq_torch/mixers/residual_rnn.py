"""Residual recurrent networks whose eigenvalues are reparameterised."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi

import torch
from jaxtyping import Float
from torch import nn
from torch.nn.utils import parametrizations

from seqtheory import settings
from seqtheory.reparameterisation import (
    DiscreteReparameterisation,
)

from ..ops.linear import linear_scan
from ..ops.residual import residual_scan
from ..parameter import StateParameter
from ..reparameterisation import initial_weights, rate
from .mixer import MixerConfig
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class ResidualRNNConfig(settings.ResidualRNN, MixerConfig):
    """The residual recurrence in torch; call ``.double()`` for the published precision.

    A linear recurrence runs as `ops.linear_scan`, in the eigenbasis if P is orthogonal; the others
    run as `ops.residual_scan`.
    """

    def build(self, width: int) -> ResidualRNN:
        """Draw the module from torch's random state."""
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
        """Give zeros, the state before the first position."""
        return self.w.new_zeros(batch_size, self.width)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Float[torch.Tensor, "batch width"]
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give outputs and the last state, in the eigenbasis if a linear scan runs there."""
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
