"""RWKV-7's time mixing as a module: maps from two inputs around `ops.generalised_delta_scan`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import nn

from seqtheory import settings

from .. import ops
from ..parameter import StateParameter
from .mixer import MixerConfig
from .parts import rwkv7_start as starts
from .parts.low_rank import LowRank
from .parts.unit_norm import unit
from .recurrent import Shared, Sharing


@dataclass(frozen=True, kw_only=True)
class RWKV7Config(settings.RWKV7, MixerConfig):
    """RWKV-7 in torch, by `ops.generalised_delta_scan`."""

    def build(self, width: int) -> RWKV7:
        """Draw the module from torch's random state."""
        return RWKV7(self, width)


class RWKV7(Sharing):
    """Module of `RWKV7Config`."""

    def __init__(self, config: RWKV7Config, width: int):
        super().__init__()
        self.width, self.config = width, config
        shape, place = (config.heads, config.key_dim), config.place
        keys, values = config.heads * config.key_dim, config.heads * config.value_dim
        self.mixes = nn.Parameter(starts.mixes(width, *place))
        self.receptance = _orthogonal(width, keys)
        self.key = _orthogonal(width, keys, gain=0.1)
        self.value = _orthogonal(width, values)
        decays = starts.decay_bias(*shape, *place)
        self.decay = self._pair("decay", torch.tanh, decays, recurrent=True)
        self.rate = self._pair("rate", None, starts.rate_bias(*shape), recurrent=True)
        later = starts.value_bias(values) if place[0] else None
        self.residual = None if later is None else self._pair("value", None, later)
        self.gate = self._pair("gate", torch.sigmoid, None)
        self.removal = StateParameter(0.71 - 0.1 * starts.ramp(keys))
        self.replacement = nn.Parameter(torch.full((keys,), 1.02))
        self.bonus = nn.Parameter(torch.full(shape, -0.04))
        self.norm = nn.GroupNorm(config.heads, values, eps=1e-5 * config.key_dim)
        self.out = nn.Linear(values, width, bias=False)
        with torch.no_grad():
            self.norm.weight.fill_(((place[0] + 1) / place[1]) ** 0.7)
            if config.start == "published":
                self.out.weight.zero_()

    def initial_state(
        self, batch_size: int
    ) -> tuple[Float[torch.Tensor, "batch width"], Float[torch.Tensor, "batch head key value"]]:
        """Give zeros: the input before the first, and the recurrence's state."""
        c, like = self.config, self.out.weight
        past = like.new_zeros(batch_size, self.width)
        return past, like.new_zeros(batch_size, c.heads, c.key_dim, c.value_dim)

    def run(
        self, x: Float[torch.Tensor, "batch time width"], state: Any, shared: Shared | None = None
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        """Give outputs and the last state, by a scan from the state before."""
        past, S = state
        before = torch.cat((past[:, None].to(x.dtype), x[:, :-1]), 1)
        mixed = x + self.mixes[:, None, None] * (before - x)
        of_r, of_w, of_k, of_v, of_a, of_g = mixed.unbind()
        log_w, eta, removed, k = self._transitions(of_w, of_k, of_a)
        r, v = self._by_head(self.receptance(of_r)), self._by_head(self._values(of_v, shared))
        o, S = ops.generalised_delta_scan(
            r.transpose(1, 2),  # axes (batch, head, time, ...)
            k.transpose(1, 2),
            v.transpose(1, 2),
            -removed.transpose(1, 2),
            (eta * removed).transpose(1, 2),
            log_w.transpose(1, 2),
            S,
            return_last_state=True,
        )
        o = self._normalised(o.transpose(1, 2).flatten(2))
        o = o + ((r * k * self.bonus).sum(-1, keepdim=True) * v).flatten(2)
        return self.out(o * self.gate(of_g)), (x[:, -1], S)

    def _transitions(
        self, of_w: torch.Tensor, of_k: torch.Tensor, of_a: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give logarithms of decays, rates of removal, keys to remove and to write, by head."""
        log_w = -exp(-0.5) * torch.sigmoid(self.decay(of_w))
        a, k = torch.sigmoid(self.rate(of_a)), self.key(of_k)
        eta = a if self.config.eigenvalues == "published" else (1 + log_w.exp()) * a
        removed = unit(self._by_head(k * self.removal), "exact").to(k.dtype)
        k = k * (1 + (a - 1) * self.replacement)
        return self._by_head(log_w), self._by_head(eta), removed, self._by_head(k)

    def _values(
        self, x: Float[torch.Tensor, "batch time width"], shared: Shared | None
    ) -> Float[torch.Tensor, "batch time value"]:
        """Give values; in later layers a share of them is the first layer's."""
        v = self.value(x)
        if self.residual is None:
            if shared is not None:
                shared.values = v
            return v
        if shared is None or shared.values is None:
            raise ValueError(
                f"layer {self.config.place[0]} of RWKV-7 needs the values of the model's first "
                "layer: call it by its model, or give a `Shared` in which that layer has put them."
            )
        return torch.lerp(v, shared.values, torch.sigmoid(self.residual(x)))

    def _pair(
        self,
        name: Literal["decay", "rate", "value", "gate"],
        activation: Callable[[torch.Tensor], torch.Tensor] | None,
        bias: torch.Tensor | None,
        *,
        recurrent: bool = False,
    ) -> LowRank:
        """Draw a pair of maps with the rank of this name, to keys or to values."""
        c = self.config
        size = c.heads * (c.key_dim if recurrent else c.value_dim)
        rank, zeros = c.rank(name, self.width), c.start == "published"
        return LowRank(
            *(self.width, rank, size),
            activation=activation,
            bias=bias,
            zeros=zeros,
            recurrent=recurrent,
        )

    def _by_head(self, x: Float[torch.Tensor, "... channels"]) -> torch.Tensor:
        return x.unflatten(-1, (self.config.heads, -1))

    def _normalised(
        self, o: Float[torch.Tensor, "batch time value"]
    ) -> Float[torch.Tensor, "batch time value"]:
        """Normalise each head, in the norm's own precision: under autocast o has a lower one."""
        return self.norm(o.flatten(0, 1).to(self.norm.weight.dtype)).view_as(o)


def _orthogonal(width: int, size: int, gain: float = 1.0) -> nn.Linear:
    made = nn.Linear(width, size, bias=False)
    nn.init.orthogonal_(made.weight, gain=gain)
    return made
