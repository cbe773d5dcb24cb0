"""Shared settings of recurrences: modes, discretisation, steps, starts, real eigenvalues."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal, Self, TypeAlias

from seqtheory.checks import require_choice, require_integer, require_positive
from seqtheory.expressivity import Transition
from seqtheory.plain import added

from .mixer import Mixer

Discretisation: TypeAlias = Literal["zero_order_hold", "bilinear"]
DISCRETISATIONS = ("zero_order_hold", "bilinear")

Start: TypeAlias = Literal["own", "published"]
"""Initial values of parameters: "own", as documented, or "published", as in the cited code."""


Eigenvalues: TypeAlias = Literal["unit", "signed"]
"""Range of real eigenvalues: [0, 1], or [-1, 1]."""


class Directed(Mixer):
    """Settings of a mixer that may run in both directions of time; a subclass has the field."""

    bidirectional: bool

    @property
    def causal(self) -> bool:
        """Whether no output depends on later inputs."""
        return not self.bidirectional

    @property
    def directions(self) -> tuple[int, ...]:
        """First axis of the output map C: none, or one of length two if bidirectional."""
        return (2,) if self.bidirectional else ()


@dataclass(frozen=True, kw_only=True)
class ShrunkByDepth(Mixer):
    r"""Settings of a mixer whose output map starts smaller in a deeper model, as published.

    Parameters
    ----------
    start
        "own": :math:`W_{out}` starts as torch's linear maps do. "published": that times
        :math:`1 / \sqrt{\text{layers}}`, so that the sum of all layers' outputs keeps its size.
    layers
        Number of layers for the published start; None for that of the model of which the mixer is
        a layer, and 1 for a mixer alone.
    """

    start: Start = added("own")  # noqa: RUF009
    layers: int | None = added(None)

    def __post_init__(self) -> None:
        check_start(self.start)
        if self.layers is not None:
            require_integer("layers", self.layers, minimum=1)

    def at_layer(self, index: int, depth: int) -> Self:
        """Give these settings with the number of layers, unless they name one."""
        open_ = self.start == "published" and self.layers is None
        return replace(self, layers=depth) if open_ else self

    @property
    def output_factor(self) -> float:
        """Factor of the output map at the start."""
        return (self.layers or 1) ** -0.5 if self.start == "published" else 1.0


def num_modes(state_dim: int) -> int:
    """Count the modes: one for each conjugate pair of states, and one for a state left over.

    The real state that an odd number has beside its pairs is stored as the last mode, complex like
    the others, so that files keep one layout. Its imaginary parts have no effect, and it counts
    once, where a pair counts twice.
    """
    return -(-state_dim // 2)


NEAR = 0.5
"""Modulus below which `growth_near_zero` is exact to rounding."""


def growth_near_zero(x: Any) -> Any:
    """Give ``(exp(x) - 1) / x`` by its series, for an array of any framework below `NEAR`."""
    series = 1
    for n in range(16, 1, -1):
        series = 1 + x / n * series
    return series


def check_steps(dt_min: float, dt_max: float) -> None:
    """Raise unless 0 < dt_min <= dt_max."""
    require_positive("dt_min", dt_min)
    require_positive("dt_max", dt_max)
    if dt_min > dt_max:
        raise ValueError(f"dt_min={dt_min}: expected at most dt_max={dt_max}; exchange them")


def check_start(value: object) -> None:
    """Raise unless `value` is "own", a start as documented, or "published", the cited code's."""
    require_choice("start", value, ("own", "published"))


def check_discretisation(value: object) -> None:
    """Raise unless `value` is "zero_order_hold" or "bilinear"."""
    require_choice("discretisation", value, DISCRETISATIONS)


def check_eigenvalues(value: object) -> None:
    """Raise unless `value` is "unit", for eigenvalues in [0, 1], or "signed", for [-1, 1]."""
    require_choice("eigenvalues", value, ("unit", "signed"))


def head_width(inner: int, heads: int) -> int:
    """Channels of each head; ValueError where the heads cannot share the inner channels."""
    if inner % heads:
        raise ValueError(
            f"{inner} inner channels cannot be shared by {heads} heads; choose a divisor."
        )
    return inner // heads


def fixed_transition(discretisation: object, *, real: bool) -> Transition:
    """Class of one matrix for all inputs: diagonal in its eigenvectors, with pairs or `real`.

    Zero-order hold gives a real mode an exponential, which is positive; the bilinear rule need not.
    """
    on_the_line = "unit" if discretisation == "zero_order_hold" else "signed"
    return Transition("diagonal", on_the_line if real else "complex", input_dependent=False)
