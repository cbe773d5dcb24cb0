"""Solvers of a linear CDE along one path."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqtheory.checks import require_choice

from ..paths import check_path
from ..structure import Dense, Diagonal
from . import adaptive, euler, exact, log_ode, taylor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax.typing import ArrayLike
    from jaxtyping import Array, Float

    from ..cde import LinearCDE

Method = Literal["exact", "adaptive", "euler", "euler_values", "log_ode"]
METHODS: tuple[str, ...] = ("exact", "adaptive", "euler", "euler_values", "log_ode")


def solve(
    cde: LinearCDE,
    path: Float[ArrayLike, "time channel"],
    *,
    times: Float[ArrayLike, " time"] | None = None,
    method: Method = "exact",
    order: int | None = None,
    window: int = 8,
    rtol: float = adaptive.PUBLISHED_TOLERANCE,
    atol: float = adaptive.PUBLISHED_TOLERANCE,
) -> Float[Array, "time width"]:
    r"""State of a linear CDE along one piecewise-linear path.

    .. math:: dy = \sum_i A_i\, y\, dw^i + B\, dw, \qquad y_0 = C x_0 + d, \qquad w = (t, x)

    Parameters
    ----------
    cde
        The equation.
    path
        Vertices `(time, channel)`, float32 or float64, *without* the time channel. Use `jax.vmap`
        for a batch.
    times
        Increasing times of the vertices; `linspace(0, 1)` if None.
    method
        `"exact"`: one exponential per segment, by its Taylor series; the error is rounding.
        `"adaptive"`: Tsit5 with an adaptive step, by default with the tolerances 1e-2 of the
        published experiment. It stops at every vertex, so that on short segments the error is far
        below the tolerance (1e-5 in float32 on the toy data).
        `"euler"`: one first-order step per segment.
        `"euler_values"`: the published token experiments' form of it, which steps with the
        *values* of `w` divided by the number of points instead of with its increments.
        `"log_ode"`: one exponential per `window` segments.
    order
        For `"exact"`, the number of Taylor terms of each segment, and then no error bound is
        checked; None chooses it for each segment from a bound on the remainder.
        For `"log_ode"`, 1 to 3 (None: 2), the level of the log-signature that is kept.
    window
        Segments per window of `"log_ode"`.
    rtol, atol
        Tolerances of `"adaptive"`.

    Returns
    -------
    One state per vertex; for `"log_ode"` one at the first vertex and one at the end of each window.

    Raises
    ------
    ValueError, TypeError
        On a path of wrong shape, type or length, or with a value that is not finite; times that
        do not increase; an unknown method; an order, window or tolerance out of range.

    Notes
    -----
    Under `jit` or `vmap` values are unknown, so only shapes and types are checked. Reverse-mode
    differentiation of `"exact"` with dense matrices needs `order` (8 is ample where a segment
    moves the state by less than half), since the order chosen by the bound is a dynamic loop.
    For matrices of norm 2 and increments of 0.02 the bound takes 4 terms in float32, 8 in float64.

    References
    ----------
    Cirone et al., arXiv 2402.19047, equation (6). Log-ODE: Walker et al., arXiv 2402.18512.
    """
    _check_arguments(method, order, window, rtol, atol)
    check_path(path, cde.channels)
    path = jnp.asarray(path)
    times = _checked_times(times, path)
    cde = jax.tree.map(lambda leaf: jnp.asarray(leaf, path.dtype), cde)
    if method == "exact" and not isinstance(cde.structure, Diagonal):
        _check_norms(cde, times, path)
    if method == "log_ode":
        if isinstance(cde.structure, Diagonal):
            raise ValueError(
                "got method='log_ode' for diagonal matrices, expected dense ones: diagonal fields "
                "have the closed form of method='exact', which is as cheap as one Euler step."
            )
        if not isinstance(cde.structure, Dense):
            raise ValueError(
                f"got method='log_ode' for {cde.structure}, expected dense matrices: it works with "
                "their commutators, which have no such structure. Use method='exact'."
            )
        order = 2 if order is None else order
    tolerances = jnp.asarray([rtol, atol], path.dtype)
    return _states(cde, times, path, method, order, window, tolerances)


@eqx.filter_jit
def _states(
    cde: LinearCDE,
    times: Float[Array, " time"],
    path: Float[Array, "time channel"],
    method: Method,
    order: int | None,
    window: int,
    tolerances: Float[Array, " two"],  # an array, so that another value compiles nothing
) -> Float[Array, "state width"]:
    driver = jnp.concatenate([times[:, None], path], axis=1)
    increments, initial = jnp.diff(driver, axis=0), cde.initial_state(path[0])
    if method == "exact":
        return exact.states(cde, initial, increments, order)
    if method == "adaptive":
        return adaptive.states(cde, initial, times, driver, *tolerances)
    if method == "euler":
        return euler.states(cde, initial, increments)
    if method == "euler_values":
        return euler.states(cde, initial, euler.published_increments(driver))
    assert order is not None
    return log_ode.states(cde, initial, increments, order, window)


def unknown(name: str, value: object, known: Sequence[str]) -> ValueError:
    """Error for a name that is not in a list; deprecated for `seqtheory.checks.require_choice`."""
    warnings.warn(
        "lcde_jax.solvers.unknown goes with the next minor version; call "
        "seqtheory.checks.require_choice",
        DeprecationWarning,
        stacklevel=2,
    )
    return ValueError(f"{name}={value!r}: expected one of {', '.join(known)}")


def _check_arguments(method: str, order: int | None, window: int, rtol: float, atol: float) -> None:
    require_choice("method", method, METHODS)
    if order is not None and method not in ("exact", "log_ode"):
        raise ValueError(f"got order={order} for method={method!r}, which has none: leave it out.")
    highest = 3 if method == "log_ode" else taylor.MOST_TERMS
    if order is not None and not 1 <= order <= highest:
        raise ValueError(f"got order={order}, expected 1 to {highest} for method={method!r}.")
    if window < 1:
        raise ValueError(f"got window={window}, expected at least one segment.")
    for name, value in (("rtol", rtol), ("atol", atol)):
        if not value > 0:
            raise ValueError(f"got {name}={value}, expected a positive tolerance.")


def _checked_times(times: Any, path: Float[Array, "time channel"]) -> Float[Array, " time"]:
    if times is None:
        return jnp.linspace(0.0, 1.0, len(path), dtype=path.dtype)
    if np.shape(times) != (len(path),):
        raise ValueError(f"got times of shape {np.shape(times)}, expected ({len(path)},).")
    if not isinstance(times, Tracer) and not np.all(np.diff(np.asarray(times, np.float64)) > 0):
        raise ValueError(f"got times {times}, expected finite, strictly increasing numbers.")
    return jnp.asarray(times, path.dtype)


def _check_norms(
    cde: LinearCDE, times: Float[Array, " time"], path: Float[Array, "time channel"]
) -> None:
    """Refuse steps that would overflow, where values are known."""
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((cde.A, times, path))):
        return
    steps = np.diff(np.asarray(path), axis=0), np.diff(np.asarray(times))
    longest = np.sqrt(np.square(steps[0]).sum(1) + np.square(steps[1])).max()
    taylor.check_norm(float(_norm_bound(cde) * longest))


@jax.jit
def _norm_bound(cde: LinearCDE) -> Float[Array, ""]:
    return taylor.generators(cde).norm_bound()
