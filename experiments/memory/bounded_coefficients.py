r"""Stable approximation with bounded coefficients: whether it holds, and at what cost in error.

Least squares may spend large coefficients of both signs on modes that a memory does not need, and
then exponential memory is unstable in the worst case, although theory has stable approximations of
it. So the fits of `experiments.memory.theory` are made again under bounds,

.. math:: \min_c \sum_k \Big( \rho(k) - \sum_{i=1}^m c_i e^{-r_i k} \Big)^2, \qquad
    c_i \ge 0, \quad \text{or} \quad \sum_i |c_i| \le C, \quad \text{or at the price} \quad
    \lambda \sum_i c_i^2,

on the same rates, and are perturbed in the same ways. A record also holds the sizes of which theory
speaks: the sum of absolute coefficients, and the *mass*, the integral of all modes, since

.. math:: E_m(\beta) - E_m(0) \le g(\beta) \sum_i |c_i| / r_i

for a stable map with functional g. The source of the definition, 3.5 of arXiv:2305.19190, asks for
parameters that stay bounded as the width grows; least squares alone does not give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.memory.theory import BETAS, HEAVY, LIGHT, MAPS, UP_TO, Map, Target
from experiments.run import Run, of_preset
from seqtheory.memory_theory import (
    CommonShift,
    L1Bound,
    NonNegative,
    Ridge,
    WorstVertex,
    fit_exponentials,
    stable_approximation,
)

if TYPE_CHECKING:
    from experiments.recorder import Recorder
    from seqtheory.memory_theory import ExponentialFit, StableApproximation

VERSION = 1
PRESETS = ("smoke", "quick")
DEFAULT_PRESET = "quick"

Bound = NonNegative | L1Bound | Ridge
BOUNDS: tuple[Bound | None, ...] = (
    None,
    NonNegative(),
    *(L1Bound(total) for total in (1.0, 2.0, 4.0, 16.0)),
    *(Ridge(penalty) for penalty in (1e-2, 1e-4, 1e-6)),
)


@dataclass(frozen=True, kw_only=True)
class BoundedRun(Run):
    """Every bound under one parameterisation.

    `seed` decides where the search for the worst case starts. A bound of None is plain least
    squares.
    """

    parameterisation: Map
    targets: tuple[Target, ...]
    bounds: tuple[Bound | None, ...] = BOUNDS
    betas: tuple[float, ...] = BETAS

    def __post_init__(self) -> None:
        """Refuse what could not give a verdict."""
        super().__post_init__()
        if not self.targets or not self.bounds:
            raise ValueError("targets and bounds: expected at least one memory and one bound")
        if any("gaussian" in target.readings for target in self.targets):
            raise ValueError("readings: expected shift and vertices; draws are in memory.theory")
        if list(self.betas) != sorted(set(self.betas)) or self.betas[:1] != (0.0,):
            raise ValueError(f"betas={self.betas}: expected 0 first, then increasing sizes")
        if UP_TO not in self.betas:
            raise ValueError(f"betas={self.betas}: expected {UP_TO} among them, for the verdicts")


def runs(preset: str) -> list[BoundedRun]:
    """List the runs of a preset, one for each parameterisation.

    Rates are those of `experiments.memory.theory`, and so are widths, with 12 over 100 steps too.
    """
    whole = (*_targets((2, 4, 8, 12), 100), *_targets((2, 4, 8), 1000))
    ladder = {
        "smoke": lambda: [_run(p, _targets((2, 4), 20), BOUNDS[:3]) for p in MAPS[:2]],
        "quick": lambda: [_run(p, whole, BOUNDS) for p in MAPS],
    }
    return of_preset(preset, ladder)


def _run(p: Map, targets: tuple[Target, ...], bounds: tuple[Bound | None, ...]) -> BoundedRun:
    return BoundedRun(parameterisation=p, targets=targets, bounds=bounds)


def _targets(widths: tuple[int, ...], horizon: int) -> tuple[Target, ...]:
    ends = {2: 0.1, 4: 0.02, 8: 0.004, 12: 0.001}
    heavy = tuple(ends[m] for m in widths)
    return tuple(
        Target(
            kernel=kernel,
            widths=widths,
            slowest=slowest,
            horizon=horizon,
            readings=("shift", "vertices"),
            sets=1,
        )
        for kernel, slowest in ((LIGHT, (0.1,) * len(widths)), (HEAVY, heavy))
    )


def execute(run: BoundedRun, recorder: Recorder) -> None:
    """Log one line for each memory, bound and reading."""
    tasks = [(target, bound) for target in run.targets for bound in run.bounds]
    checkpoint = recorder.restore()
    start = checkpoint.step if checkpoint else 0
    for done, (target, bound) in enumerate(tasks[start:], start=start + 1):
        for line in _lines(run, target, bound):
            recorder.log(done, **line)
        recorder.progress(done, len(tasks))
        if recorder.due():
            recorder.checkpoint(done, {})


def bound_name(bound: Bound | None) -> str:
    """Short name of a bound: "l1 of 2"."""
    match bound:
        case None:
            return "least squares"
        case NonNegative():
            return "non-negative"
        case L1Bound(total=total):
            return f"l1 of {total:g}"
        case Ridge(penalty=penalty):
            return f"ridge {penalty:g}"


def _lines(run: BoundedRun, target: Target, bound: Bound | None) -> Iterator[dict[str, object]]:
    fits = [
        fit_exponentials(target.kernel, m, slowest=slowest, horizon=target.horizon, bound=bound)
        for m, slowest in zip(target.widths, target.slowest, strict=True)
    ]
    for reading in target.readings:
        found = _curves(run, target, fits, reading)
        yield {
            "kernel": type(target.kernel).__name__,
            "horizon": target.horizon,
            "bound": bound_name(bound),
            "reading": reading,
            "widths": target.widths,
            "betas": run.betas,
            "errors": found.errors,
            "absolute": [float(np.abs(fit.coefficients).sum()) for fit in fits],
            "mass": [float((np.abs(fit.coefficients) / fit.rates).sum()) for fit in fits],
        }


def _curves(
    run: BoundedRun, target: Target, fits: list[ExponentialFit], reading: str
) -> StableApproximation:
    """E_m(beta) of every width."""
    perturbation = CommonShift() if reading == "shift" else WorstVertex(seed=run.seed)
    return stable_approximation(
        target.kernel,
        run.parameterisation,
        fits,
        run.betas,
        up_to=UP_TO,
        perturbation=perturbation,
        horizon=target.horizon,
        short_horizon=True,
    )
