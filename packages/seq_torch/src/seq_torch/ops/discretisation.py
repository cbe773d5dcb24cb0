r"""From a diagonal system in continuous time to one step of a recurrence.

Each function turns :math:`h' = A h + B u` into :math:`h_k = \bar A h_{k-1} + \bar B u_k` for a
step `dt`. `A`, `B` and `dt` are tensors that broadcast together; `A` holds eigenvalues, real or
complex, and `B` has the same meaning per eigenvalue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from seqtheory.settings.state_space import NEAR, growth_near_zero

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact


def zero_order_hold(
    A: Inexact[Tensor, "*shape"], B: Inexact[Tensor, "*shape"], dt: Float[Tensor, "*shape"] | float
) -> tuple[Inexact[Tensor, "*shape"], Inexact[Tensor, "*shape"]]:
    r"""Exact step for an input that is constant over it.

    .. math:: \bar A = e^{\Delta A}, \qquad \bar B = \frac{e^{\Delta A} - 1}{A} B

    Parameters
    ----------
    A
        Eigenvalues; zero is allowed.
    B
        Input map.
    dt
        Step, in the time unit of ``1 / A``.

    Returns
    -------
    :math:`\bar A` and :math:`\bar B`, accurate to rounding also where `dt * A` is small or zero,
    as are their derivatives.
    """
    A, B, dt = _checked(A, B, dt)
    return torch.exp(dt * A), dt * _relative_growth(dt * A) * B


def bilinear(
    A: Inexact[Tensor, "*shape"], B: Inexact[Tensor, "*shape"], dt: Float[Tensor, "*shape"] | float
) -> tuple[Inexact[Tensor, "*shape"], Inexact[Tensor, "*shape"]]:
    r"""Step of the trapezoidal rule (Tustin), for an input that is constant over it.

    .. math:: \bar A = \frac{1 + \Delta A / 2}{1 - \Delta A / 2}, \qquad
        \bar B = \frac{\Delta}{1 - \Delta A / 2} B

    Takes and returns what `zero_order_hold` does. Stable systems stay stable at every step.
    """
    A, B, dt = _checked(A, B, dt)
    half = dt * A / 2
    return (1 + half) / (1 - half), dt / (1 - half) * B


def euler(
    A: Inexact[Tensor, "*shape"], B: Inexact[Tensor, "*shape"], dt: Float[Tensor, "*shape"] | float
) -> tuple[Inexact[Tensor, "*shape"], Inexact[Tensor, "*shape"]]:
    r"""Step of the explicit Euler rule.

    .. math:: \bar A = 1 + \Delta A, \qquad \bar B = \Delta B

    Takes and returns what `zero_order_hold` does. Unstable where :math:`|1 + \Delta A| > 1`.
    """
    A, B, dt = _checked(A, B, dt)
    return 1 + dt * A, dt * B


def _relative_growth(x: Tensor) -> Tensor:
    """Return ``(exp(x) - 1) / x``, which is 1 at zero.

    Near zero the difference loses all digits in complex arithmetic, where torch has no expm1, and
    its derivative does so in real arithmetic too; the series loses none.
    """
    near = x.abs() < NEAR
    series = growth_near_zero(torch.where(near, x, 0))
    far = torch.where(near, 1, x)
    return torch.where(near, series, (torch.exp(far) - 1) / far)


def _checked(A: Tensor, B: Tensor, dt: Tensor | float) -> tuple[Tensor, Tensor, Tensor | float]:
    for name, value in (("A", A), ("B", B)):
        if not isinstance(value, Tensor) or not (value.is_floating_point() or value.is_complex()):
            got = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise TypeError(f"got {name} of type {got}, expected a floating or complex tensor.")
    if isinstance(dt, Tensor) and not dt.is_floating_point():
        raise TypeError(f"got dt of type {dt.dtype}, expected a real floating tensor or a number.")
    shapes = [tuple(t.shape) for t in (A, B, dt) if isinstance(t, Tensor)]
    try:
        torch.broadcast_shapes(*shapes)
    except RuntimeError:
        raise ValueError(
            f"got shapes {', '.join(map(str, shapes))} of A, B and dt, expected shapes that "
            "broadcast together."
        ) from None
    return A, B, dt
