"""One layer of a model: a mixer, and what stands around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional

from ..mixers.mixer import Tabular
from ..mixers.recurrent import Shared, is_recurrent

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from .model import SequenceModelConfig


class MaskedBatchNorm(nn.Module):
    """Batch normalisation whose statistics see valid positions only."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise the channels of ``(..., width)``; hidden positions become zero."""
        if mask is not None and torch.compiler.is_compiling():
            return self._masked(x, mask)
        rows = x.flatten(0, -2) if mask is None else x[mask]
        if self.training and len(rows) < 2:
            raise ValueError(
                "batch normalisation in training mode got one position in all, and its variance "
                "needs two. Give more rows, call model.eval(), or use norm='layer'."
            )
        normalised = self.norm(rows)
        if mask is None:
            return normalised.view_as(x)
        return normalised.new_zeros(x.shape).index_put((mask,), normalised)

    def _masked(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Normalise in one graph, for compilers, which do not know how many positions are valid."""
        hidden = ~mask[..., None]
        norm = self.norm
        if not self.training:
            return self(x).masked_fill(hidden, 0.0)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        axes, count = tuple(range(x.ndim - 1)), mask.sum()
        mean = x.masked_fill(hidden, 0.0).sum(axes) / count
        centred = (x - mean).masked_fill(hidden, 0.0)
        variance = centred.square().sum(axes) / count
        with torch.no_grad():
            unbiased = variance * count / (count - 1)
            norm.running_mean.lerp_(mean.to(norm.running_mean), norm.momentum or 0.0)
            norm.running_var.lerp_(unbiased.to(norm.running_var), norm.momentum or 0.0)
            norm.num_batches_tracked.add_(1)
        scaled = centred * (variance + norm.eps).rsqrt() * norm.weight + norm.bias
        return scaled.masked_fill(hidden, 0.0)


class Layer(nn.Module):
    """Mixer, mixing, activation, dropout, residual and norm, in the order that the config names.

    Parameters
    ----------
    config
        Settings of the whole model.
    index
        Which layer it is, counted from 0. In the order of 2024-05 nothing follows the last mixer.
    """

    def __init__(self, config: SequenceModelConfig, *, index: int):
        super().__init__()
        self.config, last = config, index == config.depth - 1
        self.mixer = config.mixer.at_layer(index, config.depth).build(config.width)
        self.has_mixing = config.mixing and not (last and config.order == "2024-05")
        self.has_activation = not (last and config.order == "2024-05")
        widened = 2 * config.width if config.activation == "glu" else config.width
        self.mixing = nn.Linear(config.width, widened) if self.has_mixing else nn.Identity()
        self.dropout = nn.Dropout(config.dropout)
        norms = {"layer": nn.LayerNorm, "batch": MaskedBatchNorm, "none": nn.Identity}
        self.norm: nn.Module = norms[config.norm](config.width)

    def forward(
        self,
        x: Float[torch.Tensor, "batch time width"],
        mask: Bool[torch.Tensor, "batch time"] | None = None,
        source: tuple[torch.Tensor, torch.Tensor] | None = None,
        *shared: Shared,
    ) -> Float[torch.Tensor, "batch time width"]:
        """Map a sequence to a sequence.

        `source` is the table and the tokens that x is made of; `shared` what this call's mixers
        hand on, if they do.
        """
        # A wrapper around the mixer may offer the mixer's `lookup`, which would go past it.
        if source is not None and isinstance(self.mixer, Tabular) and _is_own(self.mixer, "lookup"):
            return self.after(x, self.mixer.lookup(*source), mask)
        return self.after(x, self.mixer(self.before(x, mask), *shared), mask)

    def prefill(
        self, x: Float[torch.Tensor, "batch time width"], state: Any, *shared: Shared
    ) -> tuple[torch.Tensor, Any]:
        """Give the output for the next part of a sequence, and the mixer's state after it."""
        assert is_recurrent(self.mixer)  # `SequenceModel.initial_state` has checked it
        mixed, state = self.mixer.prefill(self.before(x), state, *shared)
        return self.after(x, mixed), state

    def step(
        self, x_k: Float[torch.Tensor, "batch width"], state: Any, *shared: Shared
    ) -> tuple[torch.Tensor, Any]:
        """Give the output at one position, and the state after it."""
        assert is_recurrent(self.mixer)  # `SequenceModel.initial_state` has checked it
        mixed, state = self.mixer.step(self.before(x_k), state, *shared)
        return self.after(x_k, mixed), state

    def before(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Give the input of the mixer: normalised if the norm comes first, zero where hidden."""
        x = self._normalised(x, mask) if self.config.norm_position == "pre" else x
        if mask is None or self.config.mixer.causal:
            return x
        return x.masked_fill(~mask[..., None], 0.0)

    def after(
        self, x: torch.Tensor, mixed: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Do what follows the mixer, given the layer's input `x` and the mixer's output."""
        if self.config.order == "2024-05":
            return self.mixing(self._activated(self.dropout(mixed)))
        y = self.dropout(self._activated(self.mixing(self.dropout(mixed))))
        y = x + y if self.config.residual else y
        return self._normalised(y, mask) if self.config.norm_position == "post" else y

    def _normalised(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        return self.norm(x, mask) if self.config.norm == "batch" else self.norm(x)

    def _activated(self, x: torch.Tensor) -> torch.Tensor:
        if not self.has_activation or self.config.activation == "none":
            return x
        return {"glu": functional.glu, "gelu": functional.gelu, "relu": functional.relu}[
            self.config.activation
        ](x)


def _is_own(module: nn.Module, name: str) -> bool:
    """Whether the class of a module has a method, and not only what the module wraps."""
    return callable(getattr(type(module), name, None))
