"""Solvers of a linear CDE along one path: one method per file, each a value with its settings."""

from __future__ import annotations

import dataclasses
import warnings
from typing import TYPE_CHECKING, Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from seqtheory.checks import require_choice

from ..paths import check_path
from .adaptive import Adaptive
from .euler import Euler
from .exact import Exact
from .log_ode import LogODE
from .solver import Solver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jax.typing import ArrayLike
    from jaxtyping import Array, Float

    from ..cde import LinearCDE

__all__ = ["Adaptive", "Euler", "Exact", "LogODE", "Solver", "solve", "unknown"]

Method = Literal["exact", "adaptive", "euler", "euler_values", "log_ode"]
_NAMED: dict[str, Solver] = {
    "exact": Exact(),
    "adaptive": Adaptive(),
    "euler": Euler(),
    "euler_values": Euler(values=True),
    "log_ode": LogODE(),
}


def solve(
    cde: LinearCDE,
    path: Float[ArrayLike, "time channel"],
    *,
    times: Float[ArrayLike, " time"] | None = None,
    method: Solver | Method = "exact",
    order: int | None = None,
    window: int | None = None,
    rtol: float | None = None,
    atol: float | None = None,
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
        `Exact()`, `Adaptive()`, `Euler()` or `LogODE()`, each of which documents its settings; or
        `"exact"`, `"adaptive"`, `"euler"`, `"euler_values"` (`Euler(values=True)`) or `"log_ode"`,
        short for them.
    order, window, rtol, atol
        Settings of a method given by its name; None for its own default.

    Returns
    -------
    One state per vertex; for `LogODE` one at the first vertex and one at the end of each window.

    Raises
    ------
    ValueError, TypeError
        On a path of wrong shape, type or length, or with a value that is not finite; times that
        do not increase; an unknown method, or a setting that is out of range or not the method's.

    Notes
    -----
    Under `jit` or `vmap` values are unknown, so only shapes and types are checked.

    References
    ----------
    Cirone et al., arXiv 2402.19047, equation (6).
    """
    solver = _solver(method, {"order": order, "window": window, "rtol": rtol, "atol": atol})
    check_path(path, cde.channels)
    path = jnp.asarray(path)
    driver = jnp.concatenate([_checked_times(times, path)[:, None], path], axis=1)
    cde, solver = jax.tree.map(lambda leaf: jnp.asarray(leaf, path.dtype), (cde, solver))
    solver.check(cde, driver)
    return _states(cde, solver, driver)


@eqx.filter_jit
def _states(
    cde: LinearCDE, solver: Solver, driver: Float[Array, "time path_channel"]
) -> Float[Array, "state width"]:
    return solver(cde, cde.initial_state(driver[0, 1:]), driver)


def _solver(method: object, settings: dict[str, Any]) -> Solver:
    """Give the solver that a name and the settings beside it stand for."""
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(method, Solver):
        if given:
            raise ValueError(f"got {given} beside method={method}: set them in the solver itself.")
        return method
    require_choice("method", method, tuple(_NAMED))
    solver = _NAMED[str(method)]
    for name, value in given.items():
        if not hasattr(solver, name):
            raise ValueError(
                f"got {name}={value} for method={method!r}, which has none: leave it out."
            )
    return dataclasses.replace(solver, **given)


def unknown(name: str, value: object, known: Sequence[str]) -> ValueError:
    """Error for a name that is not in a list; deprecated for `seqtheory.checks.require_choice`."""
    warnings.warn(
        "lcde_jax.solvers.unknown goes with the next minor version; call "
        "seqtheory.checks.require_choice",
        DeprecationWarning,
        stacklevel=2,
    )
    return ValueError(f"{name}={value!r}: expected one of {', '.join(known)}")


def _checked_times(times: Any, path: Float[Array, "time channel"]) -> Float[Array, " time"]:
    if times is None:
        return jnp.linspace(0.0, 1.0, len(path), dtype=path.dtype)
    if np.shape(times) != (len(path),):
        raise ValueError(f"got times of shape {np.shape(times)}, expected ({len(path)},).")
    if not isinstance(times, Tracer) and not np.all(np.diff(np.asarray(times, np.float64)) > 0):
        raise ValueError(f"got times {times}, expected finite, strictly increasing numbers.")
    return jnp.asarray(times, path.dtype)
