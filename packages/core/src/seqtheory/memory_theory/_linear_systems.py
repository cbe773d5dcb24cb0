"""Linear systems: memory functions in closed form, in continuous and in discrete time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory, require_positive
from seqtheory.memory_theory._transitions import Transition

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact


def row_norm(kernel: Float[np.ndarray, "time output channel"]) -> Float[np.ndarray, " time"]:
    """Memory of a linear functional: the largest L1 norm of the rows of its kernel."""
    return np.abs(kernel).sum(axis=2).max(axis=1)


@dataclass(frozen=True, eq=False)
class _System:
    transition: Transition
    read_in: Inexact[np.ndarray, "width channel"]
    read_out: Inexact[np.ndarray, "output width"]
    conjugate_pairs: bool = False

    def __post_init__(self) -> None:
        width = self.transition.eigenvalues.size
        read_in, read_out = as_array(self.read_in), as_array(self.read_out)
        if read_in.ndim != 2 or read_out.ndim != 2 or read_in.shape[0] != read_out.shape[1]:
            raise ValueError(
                f"read_in has shape {read_in.shape} and read_out {read_out.shape}, expected "
                "(width, channel) and (output, width)."
            )
        if read_in.shape[0] != width:
            raise ValueError(
                f"the transition has width {width}, but read_in has {read_in.shape[0]} rows."
            )
        object.__setattr__(self, "read_in", read_in)
        object.__setattr__(self, "read_out", read_out)

    def __repr__(self) -> str:
        """Kind and sizes."""
        outputs, width = self.read_out.shape
        return (
            f"{type(self).__name__}({type(self.transition).__name__} of width {width}, "
            f"channels {self.read_in.shape[1]}, outputs {outputs})"
        )

    def _require_horizon(self, horizon: int) -> None:
        require_integer("horizon", horizon, 1)
        step_bytes = 200 + 3 * 16 * self.read_in.size
        require_memory(step_bytes * horizon, f"the responses over horizon={horizon:,}")

    def _read(self, states: Inexact[np.ndarray, "*time width n"]) -> np.ndarray:
        """C h, which must be real; 2 Re(C h) if each mode stands for a conjugate pair."""
        outputs: Any = self.read_out @ states
        if self.conjugate_pairs:
            return 2.0 * outputs.real
        if np.iscomplexobj(outputs) and np.abs(outputs.imag).max() > 1e-9 * np.abs(outputs).max():
            raise ValueError(
                "the system's response is complex. If each complex mode stands for itself and its "
                "conjugate, say conjugate_pairs=True; else give both."
            )
        return outputs.real


@dataclass(frozen=True, eq=False, repr=False)
class ContinuousSystem(_System):
    r"""dh/dt = A h + B x, y = C h, or y = 2 Re(C h) for modes that stand for pairs.

    Its kernel is :math:`C e^{At} B` and its memory function the largest L1 norm of a row.

    Examples
    --------
    >>> from seqtheory.memory_theory import ContinuousSystem, Diagonal
    >>> modes = Diagonal(np.array([-1.0, -0.1]))
    >>> system = ContinuousSystem(modes, np.ones((2, 1)), np.ones((1, 2)))
    >>> system.memory([0.0, 10.0]).round(6), system.rate
    (array([2.      , 0.367925]), 0.1)
    """

    @property
    def rate(self) -> float:
        """Rate at which memory falls in the end, -max Re(eigenvalue); negative if it grows."""
        return float(-np.max(np.real(self.transition.eigenvalues)))

    def kernel(self, times: Any) -> Float[np.ndarray, "time output channel"]:
        """C exp(A t) B."""
        ages = np.atleast_1d(as_array(times, dtype=np.float64))
        if ages.ndim != 1 or not np.all(np.isfinite(ages) & (ages >= 0)):
            raise ValueError("times must be a list of ages, finite and not negative.")
        return self._read(self.transition.exponential(ages, self.read_in))

    def memory(self, times: Any) -> Float[np.ndarray, " time"]:
        """Memory function at ages `times`: the largest L1 norm of a row of C exp(A t) B."""
        return row_norm(self.kernel(times))

    def cell_averages(self, horizon: int, dt: float) -> Float[np.ndarray, " horizon"]:
        r"""Memory function measured by any probe, if inputs are constant over each step.

        .. math:: M[k] = \Big| \frac{1}{dt} \int_{k\,dt}^{(k+1)\,dt} C e^{As} B\, ds \Big|
        """
        self._require_horizon(horizon)
        require_positive("dt", dt)
        held = self.transition.integral(dt, self.read_in)
        return row_norm(self._read(self.transition.exponential(dt * np.arange(horizon), held)) / dt)

    def discretise(self, dt: float) -> DiscreteSystem:
        """System whose outputs are this one's at the ends of steps with a constant input."""
        require_positive("dt", dt)
        held = self.transition.integral(dt, self.read_in)
        return DiscreteSystem(
            self.transition.sampled(dt), held, self.read_out, self.conjugate_pairs, dt
        )


@dataclass(frozen=True, eq=False, repr=False)
class DiscreteSystem(_System):
    r"""h_k = A h_{k-1} + B x_k, y_k = C h_k, with steps of `dt`; call it with inputs.

    Its memory function is the largest L1 norm of a row of :math:`C A^k B / dt`.

    Examples
    --------
    >>> from seqtheory.memory_theory import DiscreteSystem, Jordan, memory_function
    >>> block = Jordan(((0.5, 2),))
    >>> system = DiscreteSystem(block, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0]]))
    >>> system.memory(4), memory_function(system, 4, channels=1)  # k 0.5^(k-1)
    (array([0.  , 1.  , 1.  , 0.75]), array([0.  , 1.  , 1.  , 0.75]))
    """

    dt: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive("dt", self.dt)

    @property
    def rate(self) -> float:
        """Rate at which memory falls in the end, -log(spectral radius) / dt."""
        radius = float(np.max(np.abs(self.transition.eigenvalues)))
        return float("inf") if radius == 0 else -float(np.log(radius)) / self.dt

    def memory(self, horizon: int) -> Float[np.ndarray, " horizon"]:
        """Memory function at steps 0, 1, ..., horizon - 1."""
        self._require_horizon(horizon)
        states = np.stack([self.transition.power(k, self.read_in) for k in range(horizon)])
        return row_norm(self._read(states)) / self.dt

    def __call__(self, inputs: Any) -> Float[np.ndarray, "batch time output"]:
        """Compute outputs for inputs (batch, time, channel), from a state of zero."""
        x = as_array(inputs, dtype=np.float64)
        if x.ndim != 3 or x.shape[2] != self.read_in.shape[1]:
            raise ValueError(
                f"inputs have shape {x.shape}, expected (batch, time, {self.read_in.shape[1]})."
            )
        state: Any = np.zeros((self.read_in.shape[0], len(x)))
        states: list[Any] = []
        for k in range(x.shape[1]):
            state = self.transition.power(1, state) + self.read_in @ x[:, k].T
            states.append(state)
        return self._read(np.stack(states)).transpose(2, 0, 1)
