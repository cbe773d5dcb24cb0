"""Linear attention with decays as modules, by `ops.outer_scan`: GLA, RetNet, HGRN2."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import nn
from torch.nn import functional

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig
from .parts.rotary import turned
from .parts.short_convolution import ShortConvolution
from .recurrent import Recurrent

DEVIATION = 0.02  # of every weight, as published


@dataclass(frozen=True, kw_only=True)
class GLAConfig(settings.GLA, MixerConfig):
    """Gated linear attention in torch, by `ops.outer_scan`."""

    def build(self, width: int) -> GLA:
        """Draw the module from torch's random state."""
        return GLA(self, width)


@dataclass(frozen=True, kw_only=True)
class RetNetConfig(settings.RetNet, MixerConfig):
    """Retention in torch, by `ops.outer_scan`."""

    def build(self, width: int) -> RetNet:
        """Draw the module from torch's random state."""
        return RetNet(self, width)


@dataclass(frozen=True, kw_only=True)
class HGRN2Config(settings.HGRN2, MixerConfig):
    """HGRN2 in torch, by `ops.outer_scan`."""

    def build(self, width: int) -> HGRN2:
        """Draw the module from torch's random state."""
        return HGRN2(self, width)


class LinearAttention(Recurrent):
    """What the modules of `GLAConfig`, `RetNetConfig` and `HGRN2Config` share.

    Attributes
    ----------
    sizes
        Heads, and rows and columns of each state.
    into
        Map to queries, keys and values, side by side in this order.
    """

    activated = True  # whether silu follows the convolution
    gated = True  # whether the output has a gate, and each head a norm of its own

    def __init__(self, config: settings.GLA | settings.RetNet | settings.HGRN2, width: int):
        super().__init__()
        self.width, self.sizes = width, config.sizes(width)
        heads, key, value = self.sizes
        self.parts = [heads * key, heads * key, heads * value]
        self.into = nn.Linear(width, sum(self.parts), bias=False)
        self.convolution = None
        if config.convolution:
            self.convolution = ShortConvolution(sum(self.parts), config.convolution, bias=False)
        self.gate = nn.Linear(width, heads * value, bias=False) if self.gated else None
        self.norm = nn.RMSNorm(value if self.gated else heads * value, eps=1e-5)
        self.out = nn.Linear(heads * value, width, bias=False)

    def initial_state(
        self, batch_size: int
    ) -> tuple[torch.Tensor | None, Float[torch.Tensor, "batch head key value"]]:
        """Give zeros: last inputs of the convolution, if there is one, and the state."""
        past = None if self.convolution is None else self.convolution.initial_state(batch_size)
        return past, self.into.weight.new_zeros(batch_size, *self.sizes)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor | None, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        (past, S), mapped = state, self.into(x)
        if self.convolution is not None:
            mapped, past = self.convolution.run(mapped, past)
            mapped = functional.silu(mapped) if self.activated else mapped
        parts = (part.unflatten(-1, (self.sizes[0], -1)) for part in mapped.split(self.parts, -1))
        q, k, v = (part.transpose(1, 2) for part in parts)  # (batch, head, time, ...)
        o, S = self._scan(x, q, k, v, S)
        return self._read(o.transpose(1, 2), x), (past, S)

    @abstractmethod
    def _scan(
        self, x: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, S: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Give (batch, head, time, value) and the last state."""

    def _outer(
        self,
        q: torch.Tensor,
        k: torch.Tensor,
        v: torch.Tensor,
        decay: torch.Tensor,
        S: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        q = q * self.sizes[1] ** -0.5
        k, v = k[:, :, :, None], v[:, :, :, None]  # one key and one value a step
        o, S = ops.outer_scan(q, k, v, decay, S, return_last_state=True)
        return o, S

    def _read(
        self, o: Float[torch.Tensor, "batch time head value"], x: torch.Tensor
    ) -> torch.Tensor:
        # The norm is done in its own precision: under autocast o has a lower one.
        o = o.to(self.norm.weight.dtype)
        if self.gate is None:
            return self.out(self.norm(o.flatten(2)))
        return self.out(self.norm(o).flatten(2) * functional.silu(self.gate(x)))

    @torch.no_grad()
    def _draw(self, start: str) -> None:
        """Draw every weight anew, unless it is to start as torch's do."""
        for module in self.modules() if start == "published" else ():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                module.weight.normal_(std=DEVIATION)


class GLA(LinearAttention):
    """Module of `GLAConfig`."""

    def __init__(self, config: GLAConfig, width: int):
        super().__init__(config, width)
        keys, self.temperature = self.parts[1], config.temperature
        self.decay = nn.Sequential(
            nn.Linear(width, config.gate_rank, bias=False), nn.Linear(config.gate_rank, keys)
        )
        self.decay[1].bias = StateParameter(torch.zeros(keys))
        self._draw(config.start)

    def decays(
        self, x: Float[torch.Tensor, "batch time width"]
    ) -> Float[torch.Tensor, "batch head time key"]:
        """Give the decay of every row of a state, in single precision or better."""
        z = _precise(self.decay(x)).unflatten(-1, (self.sizes[0], -1)).transpose(1, 2)
        return torch.exp(functional.logsigmoid(z) / self.temperature)

    def _scan(
        self, x: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, S: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return self._outer(q, k, v, self.decays(x), S)


class RetNet(LinearAttention):
    """Module of `RetNetConfig`; its states are in the frame of their step."""

    def __init__(self, config: RetNetConfig, width: int):
        super().__init__(config, width)
        self.rotary = config.rotary
        self._draw(config.start)

    def decays(self, like: torch.Tensor) -> Float[torch.Tensor, " head"]:
        """Give the decay of every head."""
        return 1 - torch.exp2(-5.0 - torch.arange(self.sizes[0]).to(like))

    def _scan(
        self, x: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, S: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        time = x.shape[1]
        decay = self.decays(_precise(S)).expand(len(x), time, -1).mT
        if not self.rotary:
            return self._outer(q, k, v, decay, S)
        steps = torch.arange(1, time + 1, device=x.device)[:, None]
        o, S = self._outer(turned(q, steps), turned(k, steps), v, decay, S)
        return o, turned(S.mT, -steps[-1:]).mT


class HGRN2(LinearAttention):
    """Module of `HGRN2Config`."""

    activated = gated = False

    def __init__(self, config: HGRN2Config, width: int):
        super().__init__(config, width)
        self.bound = None
        if config.lower_bound and config.layer:
            first = torch.full((width,), config.layer / config.layers)
            self.bound = StateParameter(first.logit())
        self._draw(config.start)

    def decays(
        self, z: Float[torch.Tensor, "batch head time key"]
    ) -> tuple[Float[torch.Tensor, "batch head time key"], Float[torch.Tensor, ...]]:
        """Give the decay of every row of a state, and what it lacks to 1."""
        z = _precise(z)
        if self.bound is None:
            return torch.sigmoid(z), torch.sigmoid(-z)
        free = torch.sigmoid(-self.bound).unflatten(0, (self.sizes[0], 1, -1))
        return 1 - free + free * torch.sigmoid(z), free * torch.sigmoid(-z)

    def _scan(
        self, x: torch.Tensor, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, S: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        decay, key = self.decays(k)
        return self._outer(functional.silu(q), key, v, decay, S)


def _precise(x: torch.Tensor) -> torch.Tensor:
    """Give decays' arguments in single precision or better: a short type rounds decays to 1."""
    return x.to(torch.promote_types(x.dtype, torch.float32))
