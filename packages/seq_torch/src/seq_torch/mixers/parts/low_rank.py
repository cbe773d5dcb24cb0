"""A map of low rank: down to a few numbers, an activation, and up again."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import nn

from ...parameter import StateParameter


class LowRank(nn.Module):
    r"""The map :math:`x \mapsto B f(A x) + b`, with `rank` rows of A.

    A starts from zero, or as torch's linear maps with `zeros=False`; B starts orthogonal, a tenth
    of an isometry on the shorter of its sides, as published for RWKV-7.

    Parameters
    ----------
    width, rank, size
        Numbers in, between and out.
    activation
        The map f, of one number; None for the number itself.
    bias
        Initial b, ``(size,)``; None for no bias.
    zeros
        Whether A starts from zero.
    recurrent
        Whether all are parameters of the recurrence.
    """

    def __init__(
        self,
        width: int,
        rank: int,
        size: int,
        *,
        activation: Callable[[torch.Tensor], torch.Tensor] | None,
        bias: Float[torch.Tensor, " size"] | None,
        zeros: bool,
        recurrent: bool = False,
    ):
        super().__init__()
        self.activation = activation
        self.down = nn.Linear(width, rank, bias=False)
        self.up = nn.Linear(rank, size, bias=bias is not None)
        if zeros:
            nn.init.zeros_(self.down.weight)
        nn.init.orthogonal_(self.up.weight, gain=0.1 * max(1.0, rank / size) ** 0.5)
        if bias is not None:
            with torch.no_grad():
                self.up.bias.copy_(bias)
        for linear in (self.down, self.up) if recurrent else ():
            for name, parameter in list(linear.named_parameters()):
                setattr(linear, name, StateParameter(parameter.detach()))

    def forward(self, x: Float[torch.Tensor, "... width"]) -> Float[torch.Tensor, "... size"]:
        """Map the last axis."""
        inner = self.down(x)
        return self.up(inner if self.activation is None else self.activation(inner))
