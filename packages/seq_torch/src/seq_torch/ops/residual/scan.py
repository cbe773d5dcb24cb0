"""The residual scan: a recurrence that adds a bounded change at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from seqtheory.checks import require_choice, require_positive

from ..backend import BackendError, asked, choose, logged, on_cpu
from ..inputs import check_initial, check_tensors, common_type
from ..linear import linear_scan
from ..tangents import without_tangents
from . import operator, reference

if TYPE_CHECKING:
    from jaxtyping import Float

_BACKENDS = {"fused": without_tangents("residual_scan", operator.scan), "reference": reference.scan}


def residual_scan(
    x: Float[Tensor, "batch time state"],
    weight: Float[Tensor, " *shape"],
    initial: Float[Tensor, "batch state"] | None = None,
    *,
    dt: float = 1.0,
    activation: str = "tanh",
    backend: str = "auto",
) -> Float[Tensor, "batch time state"]:
    r"""States of a residual recurrence.

    .. math:: h_k = h_{k-1} + \Delta\, \sigma(x_k + W h_{k-1}), \qquad h_{-1} = \text{initial}

    Parameters
    ----------
    x
        Inputs.
    weight
        W: `(state, state)`, or `(state,)` for a diagonal.
    initial
        State before the first step, broadcast to `(batch, state)`; zero if None.
    dt
        The step :math:`\Delta`, positive; no gradient.
    activation
        The function :math:`\sigma`: ``"linear"``, ``"tanh"`` or ``"hardtanh"``.
    backend
        ``"auto"``, ``"reference"`` or ``"fused"``.

    Returns
    -------
    The state after every step, in the common type of the inputs, float32 or float64.

    Raises
    ------
    TypeError, ValueError
        If a type, a shape or a setting does not fit; the message says which, and what was expected.
    BackendError
        If a named backend cannot run here. There is no parallel one for a nonlinear recurrence.

    Notes
    -----
    A diagonal linear recurrence is handed to `linear_scan`, with factors :math:`1 + \Delta W`.
    ``fused`` runs on the CPU: a compiled pass over time forward, and one back, which computes the
    arguments of :math:`\sigma` again from the states. It can be differentiated once. At the corners
    of ``"hardtanh"`` the slope is 0.
    """
    require_choice("activation", activation, tuple(reference.FUNCTIONS))
    require_positive("dt", dt)
    x, weight, initial = _checked(x, weight, initial)
    if activation == "linear" and weight.ndim == 1:
        return linear_scan(1 + dt * weight, dt * x, initial, backend)
    return _BACKENDS[_chosen(backend, x)](x, weight, initial, float(dt), activation)


def _chosen(backend: str, x: Tensor) -> str:
    backend = asked(backend)
    if backend == "auto":
        return logged("residual_scan", x, *_automatic(x))
    if backend not in _BACKENDS:
        raise BackendError(
            f"residual_scan: got backend={backend!r}, but a nonlinear recurrence has none of that "
            "kind. Use backend='fused' on the CPU, 'reference', or 'auto'."
        )
    return choose("residual_scan", backend, x)


def _automatic(x: Tensor) -> tuple[str, str]:
    if x.device.type != "cpu":
        return "reference", "a nonlinear recurrence has no parallel form"
    return on_cpu("reference")


def _checked(x: Tensor, weight: Tensor, initial: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Bring inputs to one type, and `initial` to `(batch, state)`."""
    given = {"x": x, "weight": weight} | ({} if initial is None else {"initial": initial})
    check_tensors(given, "x")
    _check_shapes(x, weight, initial)
    dtype = common_type(given.values())
    x, weight = x.to(dtype), weight.to(dtype)
    if initial is None:
        return x, weight, x.new_zeros(x.shape[0], x.shape[2])
    return x, weight, initial.to(dtype).expand(x.shape[0], x.shape[2])


def _check_shapes(x: Tensor, weight: Tensor, initial: Tensor | None) -> None:
    if x.ndim != 3 or x.shape[2] == 0:
        raise ValueError(
            f"got x of shape {tuple(x.shape)}, expected (batch, time, state) with a state of at "
            "least 1."
        )
    batch, _, state = x.shape
    if tuple(weight.shape) not in ((state,), (state, state)):
        raise ValueError(
            f"got weight of shape {tuple(weight.shape)}, expected ({state}, {state}), or "
            f"({state},) for a diagonal, since x has {state} states."
        )
    check_initial(initial, batch, state)
