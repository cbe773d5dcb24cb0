"""Records of trained ladders as curves E_m(beta), and what each ladder shows.

A wider network that learnt less than its neighbour says nothing about stability: whether more width
hurts under a perturbation is asked of pairs alone in which it does not hurt without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from experiments.data.random_filter import RandomFilter
from experiments.memory.curves import map_name
from experiments.memory.networks import RecurrentRun
from experiments.memory.perturbation import Reading, worst
from experiments.memory.theory import HEAVY, LIGHT, UP_TO
from experiments.record import Record
from experiments.report.interval import share
from experiments.report.variants import labelled, named
from seqtheory.memory import Kernel
from seqtheory.memory_theory import StableApproximation
from seqtheory.plain import described, restored

Outcome = Literal["crosses", "stable", "untrained"]

# Trained networks of equal merit differ by chance: more width hurts where the error is larger by
# more than a tenth, and errors below the floor, a hundredth of the target, are all as good.
SLACK, FLOOR = 0.1, 1e-4
READINGS = {
    "shift": "common shift",
    "recurrent inf": "draws: recurrence, inf-norm",
    "recurrent two": "draws: recurrence, 2-norm",
    "all inf": "draws: all, inf-norm",
    "all two": "draws: all, 2-norm",
}
_NAMED: dict[Kernel, str] = {LIGHT: "exponential", HEAVY: "polynomial"}


@dataclass(frozen=True, eq=False)
class Ladder:
    """Networks of growing width from one record, under one reading of a perturbation.

    ``draws`` has the shape (width, beta, draw). A ladder whose training diverged has the widths
    below; ``diverged`` says which width did.
    """

    kernel: str
    target: Kernel
    activation: str
    matrix: str
    map: str
    length: int
    min_rate: float
    reading: str
    seed: int
    curves: StableApproximation
    draws: np.ndarray
    networks: tuple[Mapping[str, Any], ...]
    diverged: int | None

    @property
    def learnt(self) -> tuple[bool, ...]:
        """Of each pair of neighbours, whether the wider has no larger error unperturbed."""
        return tuple((np.diff(self._errors[:, 0]) <= 0).tolist())

    @property
    def crossings(self) -> dict[tuple[int, int], float]:
        """Pairs of widths whose wider network is worse at some beta up to 1e-2, with the least."""
        found = {}
        betas, widths = self.curves.betas, self.curves.widths
        counted = (betas > 0) & (betas <= UP_TO)
        for i, learnt in enumerate(self.learnt):
            narrow, wide = self._errors[i : i + 2]
            worse = counted & (wide > (1 + SLACK) * narrow)
            if learnt and worse.any():
                found[widths[i], widths[i + 1]] = float(betas[worse][0])
        return found

    @property
    def outcome(self) -> Outcome:
        """Whether more width hurts; untrained where no pair, or not each pair, could show it."""
        if self.crossings:
            return "crosses"
        return "stable" if self.learnt and all(self.learnt) else "untrained"

    @property
    def excess(self) -> float:
        """Largest E_wide / E_narrow of the learnt pairs at betas up to 1e-2; NaN without a pair."""
        betas, errors = self.curves.betas, self._errors
        counted = (betas > 0) & (betas <= UP_TO)
        ratios = [
            (errors[i + 1, counted] / errors[i, counted]).max()
            for i, learnt in enumerate(self.learnt)
            if learnt
        ]
        return float(max(ratios, default=np.nan))

    @property
    def _errors(self) -> np.ndarray:
        return np.maximum(self.curves.errors, FLOOR)

    @property
    def growth(self) -> float:
        """Ratio of E(1e-2) to E(0), of the widest network."""
        at = int(np.flatnonzero(self.curves.betas == UP_TO)[0])
        return float(self.curves.errors[-1, at] / self.curves.errors[-1, 0])


def ladders(records: Iterable[Record]) -> list[Ladder]:
    """Every ladder and reading of finished records, in their order; none without two widths."""
    found = []
    for variant, record in named((r for r in records if r.finished), cell_of):
        names = {_reading_name(line["reading"]) for line in _lines(record, "perturbation")}
        found += [_ladder(record, name, variant) for name in READINGS if name in names]
    return [ladder for ladder in found if len(ladder.curves.widths) > 1]


def word(rows: Sequence[Ladder]) -> str:
    """Word of most of these ladders, and how many it is; empty without a ladder."""
    if not rows:
        return ""
    names = {"crosses": "unstable", "stable": "stable", "untrained": "undecided"}
    outcomes = [names[row.outcome] for row in rows]
    most = max(names.values(), key=outcomes.count)
    return f"{most} ({share(outcomes.count(most), len(rows))})"


def kernel_name(kernel: Kernel | RandomFilter) -> str:
    """Short name of a memory; those of the small figure have the plainest."""
    if isinstance(kernel, RandomFilter):
        return f"{kernel.network} filter"
    if name := _NAMED.get(kernel):
        return name
    plain = described(kernel)
    fields = [f"{key}={value:g}" for key, value in plain.items() if key != "type"]
    return ", ".join([plain["type"].lower(), *fields])


def cell_of(record: Record) -> tuple[str, str, str, str, int, float]:
    """Memory, activation, matrix, map, length and slowest rate at the start of a record."""
    run = record.run
    name = map_name(run.parameterisation)
    return (
        kernel_name(run.kernel),
        run.activation,
        matrix_name(run),
        name,
        run.length,
        run.min_rate,
    )


def matrix_name(run: RecurrentRun) -> str:
    """Matrix of a recurrence; of the other models their name, and the matrix if not diagonal."""
    if run.model == "rnn":
        return run.matrix
    return run.model if run.matrix == "diagonal" else f"{run.model}, {run.matrix}"


def _target(run: RecurrentRun) -> Kernel:
    """Memory that was to be learnt: a kernel, or the response of a filter to a pulse."""
    if not isinstance(run.kernel, RandomFilter):
        return run.kernel
    pulse = np.abs(run.kernel.memory(run.length))
    return lambda ages: pulse[np.asarray(ages, dtype=int)]


def _ladder(record: Record, name: str, variant: str) -> Ladder:
    run = record.run
    lines = [r for r in _lines(record, "perturbation") if _reading_name(r["reading"]) == name]
    draws = [np.array(line["errors"]) for line in lines]
    errors = np.array(
        [worst(d, restored(x["reading"], Reading)) for d, x in zip(draws, lines, strict=True)]
    )
    widths = tuple(line["width"] for line in lines)
    return Ladder(
        kernel=kernel_name(run.kernel),
        target=_target(run),
        activation=run.activation,
        matrix=matrix_name(run),
        map=labelled(map_name(run.parameterisation), variant),
        length=run.length,
        min_rate=run.min_rate,
        reading=name,
        seed=run.seed,
        curves=StableApproximation(widths, np.array(lines[0]["betas"]), errors, UP_TO),
        draws=np.array(draws),
        networks=tuple(_lines(record, "network")[: len(widths)]),
        diverged=record.divergence.get("width"),
    )


def _reading_name(described: Mapping[str, Any]) -> str:
    if described["type"] == "CommonShift":
        return "shift"
    return f"{described['parameters']} {described['ball']}"


def _lines(record: Record, quantity: str) -> list[dict[str, Any]]:
    return [line for line in record.metrics if line.get("quantity") == quantity]
