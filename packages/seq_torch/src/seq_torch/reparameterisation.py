"""Reparameterisations of the core, with gradients of torch and without a second definition.

`seqtheory.reparameterisation` defines each map once, in NumPy, together with its derivative. Both
are all that autograd needs, so a class that is added there works here at once.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float

from seqtheory.reparameterisation import DiscreteReparameterisation, Reparameterisation
from seqtheory.settings.parameterisation import check_parameterisation

from .ops.glue.constant import constant_when_compiled
from .parameter import require_full_precision

__all__ = ["Parameterisation", "check_parameterisation", "initial_weights", "rate"]

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
    for the GPU. `torch.compile` and `torch.export` see one opaque operation; a program that was
    exported finds the map by its name, among those that its process has used. Weights that overflow
    give infinity or NaN without a warning; `fit` ends as diverged where a loss shows it.
    """
    require_full_precision(w.dtype, "reparameterised eigenvalues")
    return _Rate.apply(w, _name(parameterisation))  # pyright: ignore[reportReturnType]


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


class _Rate(torch.autograd.Function):
    @staticmethod
    def forward(w: torch.Tensor, name: str) -> torch.Tensor:
        return _evaluated(w, name, False)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        w, ctx.name = inputs
        ctx.save_for_backward(w)

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any, in_dims: tuple[int | None, None], w: torch.Tensor, name: str
    ) -> tuple[torch.Tensor, int | None]:
        return _Rate.apply(w, name), in_dims[0]  # pyright: ignore[reportReturnType]

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: torch.Tensor
    ) -> tuple[torch.Tensor, None]:
        (w,) = ctx.saved_tensors
        return -grad_outputs[0] * _Slope.apply(w, ctx.name), None


class _Slope(torch.autograd.Function):
    """The derivative, which the core gives too; a second one would silently be zero without it."""

    @staticmethod
    def forward(w: torch.Tensor, name: str) -> torch.Tensor:
        return _evaluated(w, name, True)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        pass

    @staticmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        info: Any, in_dims: tuple[int | None, None], w: torch.Tensor, name: str
    ) -> tuple[torch.Tensor, int | None]:
        return _Slope.apply(w, name), in_dims[0]  # pyright: ignore[reportReturnType]

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *grad_outputs: torch.Tensor
    ) -> tuple[None, None]:
        raise RuntimeError(
            "got a request for the second derivative of a reparameterisation, which offers the "
            "first alone. Take the gradient without create_graph=True."
        )


_named: dict[str, Parameterisation] = {}  # operators of torch take no objects, but names of them


@constant_when_compiled
def _name(parameterisation: Parameterisation) -> str:
    """Name under which `_evaluated` finds a parameterisation."""
    name = f"{type(parameterisation).__module__}: {parameterisation!r}"
    if _named.setdefault(name, parameterisation) != parameterisation:
        raise ValueError(
            f"{name} is the text of two parameterisations that differ; let its repr tell them "
            "apart, as that of a dataclass does."
        )
    return name


@torch.library.custom_op(
    "seq_torch::reparameterised",
    mutates_args=(),
    schema="(Tensor w, str name, bool slope) -> Tensor",
)
def _evaluated(w: torch.Tensor, name: str, slope: bool) -> torch.Tensor:
    """Rates, or the slopes of the eigenvalues: NumPy's, one opaque operation for the compiler."""
    if name not in _named:
        raise RuntimeError(
            f"this exported program needs the reparameterisation {name}, which nothing here has "
            "used yet. Build a mixer with it once and call it, then run the program."
        )
    function = _named[name].derivative if slope else _named[name].distance
    with np.errstate(all="ignore"):
        values = function(w.detach().cpu().numpy())
    return torch.from_numpy(np.asarray(values)).to(w, copy=True)


@_evaluated.register_fake
def _(w: torch.Tensor, name: str, slope: bool) -> torch.Tensor:
    return torch.empty_like(w)
