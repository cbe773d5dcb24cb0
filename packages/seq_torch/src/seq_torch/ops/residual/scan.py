"""The residual scan: a recurrence that adds a bounded change at every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from seqtheory.checks import require_choice, require_positive

from ..glue.backend import Backend, choose
from ..glue.obstacles import of_fused
from ..linear import linear_scan
from . import operator, reference
from .problem import check

if TYPE_CHECKING:
    from jaxtyping import Float

BACKENDS = (
    Backend("fused", operator.scan, of_fused),
    Backend("reference", reference.scan),
)


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
    p = check(x, weight, initial, float(dt), activation)
    if activation == "linear" and weight.ndim == 1:
        return linear_scan(1 + dt * p.weight, dt * p.x, p.initial, backend)
    return choose("residual_scan", BACKENDS, p, backend).run(p)
