"""FP-RNN as a module: the fixed point of `ops.linear_scan` around a map of the channels."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from seqtheory import settings

from .mixer import MixerConfig
from .parts.channel_mixing import ChannelMixing
from .parts.fixed_point import FixedPoint, shifted
from .parts.short_convolution import ShortConvolution
from .recurrent import Recurrent


@dataclass(frozen=True, kw_only=True)
class FPRNNConfig(settings.FPRNN, MixerConfig):
    """The fixed point of a diagonal recurrence in torch, solved or by `ops.linear_scan`."""

    def build(self, width: int) -> FPRNN:
        """Draw the module from torch's random state."""
        return FPRNN(self, width)


class FPRNN(Recurrent):
    r"""Module of `FPRNNConfig`.

    Attributes
    ----------
    into
        Rows for x, then, in the block, for z.
    decay, strength
        Maps to :math:`\lambda` before its sigmoid, and to the gate of d before its silu.
    mixing
        Maps to the directions and rates of M.
    gate
        The output gate's map of x and the state before, side by side.
    """

    def __init__(self, config: FPRNNConfig, width: int):
        super().__init__()
        self.width, self.config = width, config
        inner = config.expand * width
        self.into = nn.Linear(width, (1 + config.block) * inner, bias=False)
        self.decay = nn.Linear(inner, inner)
        nn.init.zeros_(self.decay.bias)
        self.strength = nn.Linear(inner, inner, bias=False)
        self.mixing = ChannelMixing(
            inner,
            config.rank,
            sources=1 + config.state_dependent,
            greatest=2.0 if config.eigenvalues == "signed" else 1.0,
        )
        self.out = nn.Linear(inner, width, bias=False)
        self.gate = self.norm = self.convolution = self.gate_convolution = None
        if config.block:
            self.gate = nn.Linear(2 * inner, inner, bias=False)
            self.norm = nn.RMSNorm(inner, eps=1e-5)
        if config.convolution:
            self.convolution = ShortConvolution(4 * inner, config.convolution)
            self.gate_convolution = ShortConvolution(2 * inner, config.convolution)

    def initial_state(self, batch_size: int) -> tuple[Any, Tensor]:
        """Give zeros: last inputs of the convolutions, if there are any, and the state.

        The state is (batch, channel), and with `iterations` (batch, iteration, channel).
        """
        pasts = None
        if self.convolution is not None and self.gate_convolution is not None:
            both = self.convolution, self.gate_convolution
            pasts = tuple(each.initial_state(batch_size) for each in both)
        each = () if self.config.iterations is None else (self.config.iterations,)
        return pasts, self.out.weight.new_zeros(batch_size, *each, self.out.in_features)

    def run(
        self, x: Float[Tensor, "batch time width"], state: Any
    ) -> tuple[Tensor, tuple[Any, Tensor]]:
        """Give outputs and the last state, by the fixed point or the iterations from before."""
        pasts, before = state
        x, *z = self.into(x).chunk(1 + self.config.block, -1)
        parts = (x, x, x, x)  # for M, for d's gate, for the decays, for d
        if self.convolution is not None:
            mapped, past = self.convolution.run(torch.cat(parts, -1), pasts[0])
            parts = functional.silu(mapped).chunk(4, -1)
            pasts = past, pasts[1]
        h, last = self._states(parts, before)
        if not z:
            return self.out(h.to(self.out.weight.dtype)), (pasts, last)
        gate, pasts = self._gate(parts[3], h, before if before.ndim == 2 else before[:, -1], pasts)
        return self._read(z[0], gate, h), (pasts, last)

    def _states(self, parts: Any, before: Tensor) -> tuple[Tensor, Tensor]:
        """Give h at all positions, in single precision or better, and the last state."""
        for_mixing, for_strength, for_decay, x = parts
        kind = torch.promote_types(before.dtype, torch.float32)
        logits = self.decay(for_decay).to(kind)
        driven = (functional.silu(self.strength(for_strength)) * x).to(kind)
        with torch.autocast(x.device.type, enabled=False):
            rows, added = self.mixing.maps(kind)
            by_input, *by_state = rows.chunk(self.mixing.sources, 1)
            point = FixedPoint(
                kept=logits.sigmoid(),
                let_in=(-logits).sigmoid(),
                driven=driven,
                seen=functional.linear(for_mixing.to(kind), by_input, added),
                state_map=by_state[0] if by_state else None,
                channels=self.mixing,
                mixing=self.config.mixing,
            )
            h, last = self._reached(point, before.to(kind))
        return h, last.to(before.dtype)

    def _reached(self, point: FixedPoint, before: Tensor) -> tuple[Tensor, Tensor]:
        held = self.config.gradient == "last" and self.training
        if self.config.iterations is None:
            with torch.no_grad() if held else nullcontext():
                h = point.reached(before)
            if held and torch.is_grad_enabled():
                h = point.after(h, before.detach(), before)
            return h, h[:, -1]
        h, h_before, lasts = torch.zeros_like(point.driven), torch.zeros_like(before[:, 0]), []
        for number, start in enumerate(before.unbind(1), start=1):
            with torch.no_grad() if held and number < before.shape[1] else nullcontext():
                h = point.after(h, h_before.detach() if held else h_before, start)
            lasts.append(h[:, -1])
            h_before = start
        return h, torch.stack(lasts, 1)

    def _gate(self, x: Tensor, h: Tensor, before: Tensor, pasts: Any) -> tuple[Tensor, Any]:
        assert self.gate is not None
        if self.gate_convolution is None:
            seen = shifted(h, before.to(h.dtype))
            return functional.silu(self.gate(torch.cat((x, seen.to(x.dtype)), -1))), pasts
        seen, past = self.gate_convolution.run(torch.cat((x, h.to(x.dtype)), -1), pasts[1])
        return functional.silu(self.gate(functional.silu(seen))), (pasts[0], past)

    def _read(self, z: Tensor, gate: Tensor, h: Tensor) -> Tensor:
        assert self.norm is not None
        read = functional.silu(z) * gate * h.to(z.dtype)
        return self.out(self.norm(read.to(self.norm.weight.dtype)))
