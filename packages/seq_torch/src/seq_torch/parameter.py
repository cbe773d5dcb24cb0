"""Parameters of a recurrence, marked by their type, and complex ones as pairs of real numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from jaxtyping import Complex, Float


class StateParameter(nn.Parameter):
    """Parameter of the recurrence itself: its eigenvalues, steps and, by tradition, some inputs.

    An optimiser leaves such parameters out of weight decay and may give them a rate of their own
    (`Training.state_learning_rate`): decay or a large step would move eigenvalues towards, or
    beyond, the edge of stability.

    Notes
    -----
    The mark survives `Module.to`, `Module.double`, `copy.deepcopy` and checkpoints of this package.
    It does not survive pickling, which rebuilds a plain `nn.Parameter`.
    """


def as_pair(values: Complex[torch.Tensor, "*shape"]) -> Float[torch.Tensor, "*shape 2"]:
    """Real and imaginary parts along a new last axis, in the default floating type."""
    pairs = torch.view_as_real(values.resolve_conj())
    return pairs.to(torch.get_default_device(), torch.get_default_dtype()).clone()


def as_complex(pair: Float[torch.Tensor, "*shape 2"]) -> Complex[torch.Tensor, "*shape"]:
    """Complex view of a parameter that is stored as real pairs; gradients flow to both parts.

    Raises
    ------
    TypeError
        If the pairs are shorter than float32: torch has no complex type for them.
    """
    require_full_precision(pair.dtype, "complex states")
    return torch.view_as_complex(pair)


def require_full_precision(dtype: torch.dtype, what: str) -> None:
    """Raise unless the parameters that `what` is made of are float32 or float64."""
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(
            f"got parameters of dtype {dtype}, but {what} need float32 or float64. "
            "Keep the model in float32 (model.float()) and compute under torch.autocast instead."
        )
