"""Adaptive Runge-Kutta solution, with the settings of the published experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import diffrax
import jax.numpy as jnp

from seqtheory.checks import require_positive

from ..structure import Dense, apply
from .solver import Solver

if TYPE_CHECKING:
    from jaxtyping import Array, Float

    from ..cde import LinearCDE

PUBLISHED_TOLERANCE = 1e-2  # rtol and atol of arXiv 2402.19047's toy experiment
PUBLISHED_FIRST_STEP = 0.01


class Adaptive(Solver):
    """Tsit5 with an adaptive step, as in the published toy experiment.

    It stops at every vertex, so that on short segments the error is far below the tolerance (1e-5
    in float32 on the toy data).

    Parameters
    ----------
    rtol, atol
        Relative and absolute tolerance of a step, above 0; by default the published 1e-2.
    """

    rtol: float = PUBLISHED_TOLERANCE
    atol: float = PUBLISHED_TOLERANCE

    def __check_init__(self) -> None:
        """Raise unless both tolerances are positive."""
        require_positive("rtol", self.rtol)
        require_positive("atol", self.atol)

    def __call__(
        self,
        cde: LinearCDE,
        initial: Float[Array, " width"],
        driver: Float[Array, "time path_channel"],
    ) -> Float[Array, "time width"]:
        """Give the state at every vertex."""
        return states(cde, initial, driver[:, 0], driver, self.rtol, self.atol)


def states(
    cde: LinearCDE,
    initial: Float[Array, " width"],
    times: Float[Array, " time"],
    driver: Float[Array, "time path_channel"],
    rtol: float | Float[Array, ""] = PUBLISHED_TOLERANCE,
    atol: float | Float[Array, ""] = PUBLISHED_TOLERANCE,
    terminal_only: bool = False,
) -> Float[Array, "time width"]:
    """State at `times` (or at the last of them alone) by Tsit5 on the linear interpolation.

    A driver that is not finite has NaN for its states: no step is small enough for it, and the
    search for one would end the whole batch.
    """
    finite = jnp.isfinite(driver).all() & jnp.isfinite(initial).all()
    times = jnp.where(finite, times, jnp.arange(len(times), dtype=times.dtype))
    driver, initial = jnp.where(finite, driver, 0.0), jnp.where(finite, initial, 0.0)

    def vector_field(
        time: object, state: Float[Array, " width"], args: object
    ) -> Float[Array, "width path_channel"]:
        del time, args
        dense = isinstance(cde.structure, Dense)
        moved = cde.A @ state if dense else apply(cde.structure, cde.parameters, state)
        return moved.T if cde.B is None else moved.T + cde.B

    control = diffrax.LinearInterpolation(times, driver)
    solution = diffrax.diffeqsolve(
        diffrax.ControlTerm(vector_field, control).to_ode(),
        diffrax.Tsit5(),
        t0=times[0],
        t1=times[-1],
        dt0=jnp.asarray(PUBLISHED_FIRST_STEP, times.dtype),
        y0=initial,
        saveat=diffrax.SaveAt(t1=True) if terminal_only else diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.ClipStepSizeController(
            diffrax.PIDController(rtol=rtol, atol=atol), jump_ts=times
        ),
        max_steps=64 * len(times) + 4096,
    )
    assert solution.ys is not None
    return jnp.where(finite, solution.ys, jnp.nan)
