r"""A diagonal recurrence around a map of the channels, and its fixed point.

.. math:: h_t = \lambda_t \odot h_{t-1} + (1 - \lambda_t) \odot
          \big(M_t (d_t - g_t) + g_t\big), \qquad M_t = M(x_t, g_{t-1})

gives h for a given g; at the fixed point g = h.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from seqtheory.settings.fp_rnn import Mixing

from ... import ops
from .channel_mixing import ChannelMixing, removed, solved


@dataclass(frozen=True)
class FixedPoint:
    r"""The recurrence on a part of a sequence.

    Attributes
    ----------
    kept, let_in, driven
        :math:`\lambda`, :math:`1 - \lambda` and d, (batch, time, channel).
    seen
        What the input adds to the maps of `channels`, (batch, time, out).
    state_map
        Rows of these maps for the state before, (out, channel); None if they see the input alone.
    """

    kept: Float[Tensor, "batch time channel"]
    let_in: Float[Tensor, "batch time channel"]
    driven: Float[Tensor, "batch time channel"]
    seen: Float[Tensor, "batch time out"]
    state_map: Float[Tensor, "out channel"] | None
    channels: ChannelMixing
    mixing: Mixing

    def after(
        self,
        g: Float[Tensor, "batch time channel"],
        g_before: Float[Tensor, "batch channel"],
        before: Float[Tensor, "batch channel"],
    ) -> Float[Tensor, "batch time channel"]:
        """Put g in once: one scan from `before`; g is `g_before` at the position before."""
        u, beta = self._mixing(self.seen, shifted(g, g_before))
        left = self.driven - g
        mixed = self.driven - removed(left, u, beta, self.mixing)
        return ops.linear_scan(self.kept, self.let_in * mixed, before)

    def reached(
        self, before: Float[Tensor, "batch channel"]
    ) -> Float[Tensor, "batch time channel"]:
        """Solve for the fixed point, position by position."""
        h, found = before, []
        parts = (self.kept, self.let_in, self.driven, self.seen)
        for kept, let_in, driven, seen in zip(*(p.unbind(1) for p in parts), strict=True):
            u, beta = self._mixing(seen, h)
            p = kept * h + let_in * (driven - removed(driven, u, beta, self.mixing))
            h = solved(p, let_in, u, beta, self.mixing)
            found.append(h)
        return torch.stack(found, 1)

    def _mixing(self, seen: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        if self.state_map is not None:
            seen = seen + functional.linear(before, self.state_map)
        return self.channels.split(seen)


def shifted(
    h: Float[Tensor, "batch time channel"], before: Float[Tensor, "batch channel"]
) -> Float[Tensor, "batch time channel"]:
    """Give the state before each position."""
    return torch.cat((before[:, None], h[:, :-1]), 1)
