"""Reparameterisations of the core, with gradients of torch and without a second definition.

`seqtheory.reparameterisation` defines each map once, in NumPy, together with its derivative. Both
are all that autograd needs, so a class that is added there works here at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float

from seqtheory.reparameterisation import DiscreteReparameterisation, Reparameterisation

from .parameter import require_full_precision

Parameterisation: TypeAlias = Reparameterisation | DiscreteReparameterisation


def rate(
    parameterisation: Parameterisation, w: Float[torch.Tensor, "*shape"]
) -> Float[torch.Tensor, "*shape"]:
    r"""Rate at which modes forget: how far their eigenvalue lies from the one that never does.

    .. math:: r(w) = -p(w) \text{ (continuous time)}, \qquad r(w) = 1 - p(w) \text{ (discrete)}

    Parameters
    ----------
    parameterisation
        The map p from weights to eigenvalues.
    w
        Weights, float32 or float64, on any device.

    Returns
    -------
    Rates, of the type and on the device of `w`, positive for a mode that forgets. The gradient is
    that of the core's closed form; it cannot be differentiated again.

    Notes
    -----
    Computed in float64 by NumPy and rounded once, without the cancellation of 1 - p(w). The weights
    of modes are few, but on a GPU every call copies them to the processor and back, which waits
    for the GPU; `torch.compile` breaks its graph here. Weights that overflow give infinity or NaN
    without a warning: whoever trains watches for that.
    """
    require_full_precision(w.dtype, "reparameterised eigenvalues")
    return _Rate.apply(w, parameterisation)  # pyright: ignore[reportReturnType]


def initial_weights(
    parameterisation: Parameterisation, rates: Float[torch.Tensor, "*shape"]
) -> Float[torch.Tensor, "*shape"]:
    """Weights at which `rate` gives these positive rates; the non-negative ones where two do.

    Raises
    ------
    ValueError
        If the parameterisation cannot reach an eigenvalue; its range is named.
    """
    if rates.is_meta:
        return torch.empty_like(rates)
    wanted = rates.detach().cpu().numpy().astype(np.float64)
    found = parameterisation.inverse(parameterisation.limit - wanted)
    return torch.from_numpy(np.asarray(found)).to(rates)


def check_parameterisation(value: object, kinds: tuple[type, ...]) -> None:
    """Raise unless `value` is an instance (not a class) of one of these families."""
    if isinstance(value, kinds):
        return
    hint = " You gave the class: add ()." if isinstance(value, type) else ""
    names = " or ".join(f"seqtheory.reparameterisation.{kind.__name__}" for kind in kinds)
    raise TypeError(f"parameterisation={value!r} is none; expected a {names}, e.g. Exp().{hint}")


class _Rate(torch.autograd.Function):
    @staticmethod
    def forward(w: torch.Tensor, parameterisation: Parameterisation) -> torch.Tensor:
        return _evaluated(parameterisation.distance, w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        w, ctx.parameterisation = inputs
        ctx.save_for_backward(w)

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any, in_dims: tuple[int | None, None], w: torch.Tensor, parameterisation: Any
    ) -> tuple[torch.Tensor, int | None]:
        return _Rate.apply(w, parameterisation), in_dims[0]  # pyright: ignore[reportReturnType]

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        (w,) = ctx.saved_tensors
        return -grad_outputs[0] * _Slope.apply(w, ctx.parameterisation), None


class _Slope(torch.autograd.Function):
    """The derivative, which the core gives too; a second one would silently be zero without it."""

    @staticmethod
    def forward(w: torch.Tensor, parameterisation: Parameterisation) -> torch.Tensor:
        return _evaluated(parameterisation.derivative, w)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        pass

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any, in_dims: tuple[int | None, None], w: torch.Tensor, parameterisation: Any
    ) -> tuple[torch.Tensor, int | None]:
        return _Slope.apply(w, parameterisation), in_dims[0]  # pyright: ignore[reportReturnType]

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: torch.Tensor
    ) -> tuple[None, None]:
        raise RuntimeError(
            "got a request for the second derivative of a reparameterisation, which offers the "
            "first alone. Take the gradient without create_graph=True."
        )


def _evaluated(function: Callable[[Any], np.ndarray], w: torch.Tensor) -> torch.Tensor:
    with np.errstate(all="ignore"):
        values = function(w.detach().cpu().numpy())
    return torch.from_numpy(np.asarray(values)).to(w)
