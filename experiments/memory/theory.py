r"""Linear theory of stable approximation: nothing is trained, and everything is computed.

A kernel is fitted by sums of m exponentials. The rates become weights under a parameterisation p,
the weights move by beta, and the error that is then left is

.. math:: E_m(\beta) = \max_{|\tilde w - w| \le \beta} \sum_k \Big| \rho(k)
    - \sum_{i=1}^m c_i\, e^{p(\tilde w_i) k} \Big|,

the maximum being read in three ways: every weight moves by beta towards slower modes, the worst
case that was found, and the worst of a few draws, of which several sets are taken. Approximation is
stable where more width never hurts. A run also measures what does not depend on a kernel: by how
much a mode's memory changes, and what a gradient meets.

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, definition 3.4 and appendix D; S. Wang and
Q. Li, arXiv:2311.14495, section 3. The published protocol is the third reading.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.run import Run, of_preset
from seqtheory.checks import require_integer
from seqtheory.memory import Exponential, Polynomial
from seqtheory.reparameterisation import Best, Direct, Exp, Inverse, ReLU, Softplus

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "paper")
DEFAULT_PRESET = "quick"

Map = Direct | Exp | Softplus | Best | Inverse | ReLU
Reading = Literal["shift", "vertices", "gaussian"]

# The verdicts are about sizes up to this one; the second figure shows modes under just this one.
UP_TO = 1e-2
BETAS = (0.0, *(digit * 10.0**power for power in (-4, -3, -2) for digit in (1, 2, 5)), 0.1)
# Time scales 2.5 to 10,000, ten to a decade.
LOG_TIME_SCALES = tuple(k / 10 for k in range(4, 41))


@dataclass(frozen=True, kw_only=True)
class Target:
    """A memory to approximate, the networks that try, and the readings of a perturbation.

    ``slowest`` is the smallest rate of each width; the other rates are spaced geometrically up to
    2. ``horizon`` is the number of steps of unit time over which errors are summed, ``sets`` how
    often the draws of the sampled reading are taken anew: a verdict may depend on them.
    """

    kernel: Exponential | Polynomial
    widths: tuple[int, ...] = (2, 4, 8)
    slowest: tuple[float, ...] = (0.1, 0.1, 0.1)
    horizon: int = 100
    readings: tuple[Reading, ...] = ("shift", "vertices", "gaussian")
    sets: int = 20

    def __post_init__(self) -> None:
        """Refuse widths that no verdict can be read from."""
        if len(self.widths) < 2 or list(self.widths) != sorted(set(self.widths)):
            raise ValueError(f"widths={self.widths}: expected at least two, increasing")
        if len(self.slowest) != len(self.widths):
            raise ValueError(
                f"slowest={self.slowest}: expected one rate for each of the widths {self.widths}"
            )
        if not self.readings or self.sets < 1:
            raise ValueError(
                f"readings={self.readings}, sets={self.sets}: expected at least one reading, of "
                "shift, vertices and gaussian, and one set of draws"
            )


@dataclass(frozen=True, kw_only=True)
class TheoryRun(Run):
    """All that linear theory says of one parameterisation.

    `seed` decides the draws of the sampled reading, and where the search for the worst case starts.
    """

    parameterisation: Map
    targets: tuple[Target, ...]
    betas: tuple[float, ...] = BETAS
    draws: int = 30

    def __post_init__(self) -> None:
        """Refuse what could not give a verdict."""
        super().__post_init__()
        if not self.targets:
            raise ValueError("targets=(): expected at least one memory to approximate")
        require_integer("draws", self.draws, minimum=1)
        if list(self.betas) != sorted(set(self.betas)) or self.betas[:1] != (0.0,):
            raise ValueError(f"betas={self.betas}: expected 0 first, then increasing sizes")
        if UP_TO not in self.betas:
            raise ValueError(f"betas={self.betas}: expected {UP_TO} among them, for the verdicts")


LIGHT, HEAVY = Exponential(rate=-math.log(0.9)), Polynomial(rate=1.0, power=1.1)
SMALL = (Target(kernel=LIGHT), Target(kernel=HEAVY, slowest=(0.1, 0.02, 0.004)))
MAPS = (Direct(), Exp(), Softplus(), Best())


def runs(preset: str) -> list[TheoryRun]:
    """List the runs of a preset, one for each parameterisation.

    `quick` has the small figure, whose horizon of 100 steps is shorter than its slowest mode, and
    one of 1000 steps that is not. `paper` searches the worst case there as well, and adds maps.
    """
    tiny = (
        Target(kernel=target.kernel, widths=(2, 4), slowest=target.slowest[:2], sets=2)
        for target in SMALL
    )
    quick = (*SMALL, *_long((2, 4, 8, 12), ("shift", "gaussian")))
    paper = (*quick, *_long((2, 4, 8), ("vertices",)))
    more = (Best(b=0.1), Inverse(), ReLU())
    ladder = {
        "smoke": lambda: _mapped(MAPS[:2], tuple(tiny)),
        "quick": lambda: _mapped(MAPS, quick),
        "paper": lambda: _mapped((*MAPS, *more), paper),
    }
    return of_preset(preset, ladder)


def _mapped(maps: Iterable[Map], targets: tuple[Target, ...]) -> list[TheoryRun]:
    return [TheoryRun(parameterisation=p, targets=targets) for p in maps]


def _long(widths: tuple[int, ...], readings: tuple[Reading, ...]) -> tuple[Target, ...]:
    """Both memories over 1000 steps, the time of the slowest mode of a heavy tail."""
    ends = {2: 0.1, 4: 0.02, 8: 0.004, 12: 0.001}
    settings = {"widths": widths, "horizon": 1000, "readings": readings, "sets": 4}
    light = Target(kernel=LIGHT, slowest=(0.1,) * len(widths), **settings)
    heavy = Target(kernel=HEAVY, slowest=tuple(ends[m] for m in widths), **settings)
    return light, heavy


def execute(run: TheoryRun, recorder: Recorder) -> None:
    """Log one line for each family of curves, then one for each property of the map.

    No line depends on another, so a run that was stopped goes on where it was.
    """
    tasks = [
        partial(_errors, run, target, reading, number)
        for target in run.targets
        for reading in target.readings
        for number in range(target.sets if reading == "gaussian" else 1)
    ]
    tasks += [partial(measure, run) for measure in (_memory, _functional, _scales)]
    checkpoint = recorder.restore()
    start = checkpoint.step if checkpoint else 0
    for done, task in enumerate(tasks[start:], start=start + 1):
        recorder.log(done, **task())
        recorder.progress(done, len(tasks))
        if recorder.due():
            recorder.checkpoint(done, {})


def _errors(run: TheoryRun, target: Target, reading: Reading, number: int) -> dict[str, object]:
    """E_m(beta) of every width, under one reading; `number` is that of the set of draws."""
    from seqtheory.memory_theory import (
        CommonShift,
        SampledNoise,
        WorstVertex,
        stable_approximation,
    )

    perturbations = {
        "shift": CommonShift(),
        "vertices": WorstVertex(seed=run.seed),
        "gaussian": SampledNoise(draws=run.draws, seed=run.seed * target.sets + number),
    }
    found = stable_approximation(
        target.kernel,
        run.parameterisation,
        target.widths,
        run.betas,
        slowest=target.slowest,
        up_to=UP_TO,
        perturbation=perturbations[reading],
        horizon=target.horizon,
        short_horizon=True,
    )
    return {
        "quantity": "error",
        "kernel": type(target.kernel).__name__,
        "horizon": target.horizon,
        "reading": reading,
        "set": number,
        "widths": target.widths,
        "betas": run.betas,
        "errors": found.errors,
    }


def _memory(run: TheoryRun) -> dict[str, object]:
    """Memory of the widest fit to the last target, before and after a common shift."""
    from seqtheory.memory_theory import fit_exponentials

    target, p = run.targets[-1], run.parameterisation
    fit = fit_exponentials(
        target.kernel, target.widths[-1], slowest=target.slowest[-1], horizon=target.horizon
    )
    weights = p.inverse(-fit.rates)
    rates = np.minimum(p.distance(weights + UP_TO), p.distance(weights - UP_TO))
    times = np.unique(np.round(np.geomspace(1, target.horizon, 80)))
    return {
        "quantity": "memory",
        "kernel": type(target.kernel).__name__,
        "width": fit.width,
        "beta": UP_TO,
        "times": times,
        "target": target.kernel(times),
        "fitted": fit(times),
        "perturbed": np.exp(-np.outer(times, rates)) @ fit.coefficients,
    }


def _functional(run: TheoryRun) -> dict[str, object]:
    """Stability functional g(beta), and whether it proves the map stable."""
    from seqtheory.memory_theory import stability_functional, stability_verdict

    verdict = stability_verdict(run.parameterisation)
    return {
        "quantity": "functional",
        "betas": run.betas,
        "values": stability_functional(run.parameterisation, run.betas),
        "is_stable": verdict.is_stable,
        "reason": verdict.reason,
    }


def _scales(run: TheoryRun) -> dict[str, object]:
    """Measure, at each time scale, what a perturbation changes and what a gradient meets.

    ``change`` is the largest relative change of the time scale; ``gradient`` the scale of a
    gradient, abs(f') / f^2; ``variance`` that of dh/dw in discrete time and white noise.
    """
    from seqtheory.memory_theory import weight_gradient_variance

    p, tau = run.parameterisation, 10.0 ** np.array(LOG_TIME_SCALES)
    weights, discrete = p.inverse(-1.0 / tau), p.discrete()
    moved = np.stack([p.distance(weights + UP_TO), p.distance(weights - UP_TO)])
    lasting = moved <= 0
    change = np.abs(1.0 / (tau * np.where(lasting, 1.0, moved)) - 1.0)
    gradient = p.gradient_scale(weights)
    return {
        "quantity": "scales",
        "beta": UP_TO,
        "time_scales": tau,
        "change": np.where(lasting, np.inf, change).max(axis=0),
        "gradient": gradient,
        "gradient_per_weight": gradient / np.abs(weights),
        "variance": weight_gradient_variance(discrete, discrete.inverse(1.0 - 1.0 / tau)),
    }
