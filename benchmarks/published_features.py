r"""The published features of random linear CDEs, written again from their description.

One adaptive solve per path, in float32:

.. math:: dy = A y\, d\omega + B\, d\xi, \quad \omega = \xi = (t, x), \quad y_0 = C x_0 + d,

on the linear interpolation of the path, with diffrax's Tsit5, first step 0.01, tolerances 1e-2,
and every vertex of the path announced as a jump of the vector field. Paths are mapped over in
batches of 4,000.

References: N. M. Cirone et al., arXiv:2402.19047, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from lcde_jax import LinearCDE

BATCH_SIZE = 4_000
TOLERANCE = 1e-2
FIRST_STEP = 0.01


@dataclass(frozen=True)
class Fields:
    """The random fields, with the width first, as the published code has them."""

    A: jax.Array  # (width, channels + 1, width)
    B: jax.Array  # (width, channels + 1)
    C: jax.Array  # (width, channels)
    d: jax.Array  # (width,)

    @classmethod
    def of(cls, cde: LinearCDE) -> Fields:
        """Take the fields of our equation, in float32."""
        assert cde.B is not None
        A = jnp.transpose(cde.A, (1, 0, 2))
        return cls(*(jnp.asarray(part, jnp.float32) for part in (A, cde.B, cde.C, cde.d)))


def terminal_state(fields: Fields, path: jax.Array) -> jax.Array:
    """State at time 1 for one path `(time, channel)`."""
    times = jnp.linspace(0.0, 1.0, len(path), dtype=path.dtype)
    control = diffrax.LinearInterpolation(times, jnp.column_stack([times, path]))
    term = diffrax.ControlTerm(lambda t, y, args: fields.A @ y + fields.B, control)
    solution = diffrax.diffeqsolve(
        term.to_ode(),
        diffrax.Tsit5(),
        t0=0.0,
        t1=1.0,
        dt0=FIRST_STEP,
        y0=fields.C @ path[0] + fields.d,
        saveat=diffrax.SaveAt(t1=True),
        # Upstream passes jump_ts to PIDController, which diffrax turns into this.
        stepsize_controller=diffrax.ClipStepSizeController(
            diffrax.PIDController(rtol=TOLERANCE, atol=TOLERANCE), jump_ts=times
        ),
    )
    assert solution.ys is not None
    return solution.ys[0]


class PublishedFeatures:
    """Terminal states of many paths; constructing it compiles the solve of one batch."""

    def __init__(self, cde: LinearCDE, length: int):
        fields = Fields.of(cde)
        batch = jax.ShapeDtypeStruct((BATCH_SIZE, length, cde.channels), jnp.float32)
        states = jax.jit(jax.vmap(lambda path: terminal_state(fields, path)))
        self._states = states.lower(batch).compile()

    def __call__(self, paths: np.ndarray) -> np.ndarray:
        """Features `(path, width)` of a whole number of batches."""
        starts = range(0, len(paths), BATCH_SIZE)
        batches = (jnp.asarray(paths[i : i + BATCH_SIZE], jnp.float32) for i in starts)
        return np.concatenate([np.asarray(self._states(batch)) for batch in batches])
