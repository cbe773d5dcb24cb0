"""Records of memory functions as rows, what they show, and their part of figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.claim import Claim, Judge, Verdict, verdict_table
from experiments.guest import model_name
from experiments.memory.theory import HEAVY
from experiments.memory.trained_curves import kernel_name
from experiments.record import Record
from experiments.report import style
from experiments.report.interval import estimate
from experiments.report.markdown import markdown
from experiments.report.rows import select
from experiments.report.variants import labelled, named, of_one_setting
from seqtheory.memory_theory import fit_decay

STATES = ("random", "trained")
SHOWN_AGES = (1, 10, 100)


@dataclass(frozen=True, eq=False)
class MemoryOf:
    """Memory function of one model in one state, with theory's bound where there is one."""

    model: str
    kernel: str
    state: str
    seed: int
    error: float
    ages: np.ndarray
    memory: np.ndarray
    envelope: np.ndarray | None

    def at(self, age: int) -> float:
        """Memory at the recorded age that is nearest."""
        return float(self.memory[np.abs(self.ages - age).argmin()])

    @property
    def form(self) -> str:
        """Form of decay that fits best, up to where memory is rounding; "none" if it grows."""
        kept = (self.ages > 0) & (self.memory > 1e-12 * self.memory.max())
        try:
            return fit_decay(self.ages[kept], self.memory[kept]).form
        except ValueError:
            return "none"


def memories(records: Iterable[Record]) -> list[MemoryOf]:
    """Memory functions of finished records, random and trained."""
    return [
        _memory(record, state, variant)
        for variant, record in named((r for r in records if r.finished), cell_of)
        for state in STATES
        if state in record.notes
    ]


def cell_of(record: Record) -> tuple[str, str]:
    """Model and memory of a record."""
    return model_name(record.run), kernel_name(record.run.kernel)


def _memory(record: Record, state: str, variant: str) -> MemoryOf:
    held, lines = record.notes[state], [line for line in record.metrics if "rmse" in line]
    rmse = lines[0 if state == "random" else -1]["rmse"]
    bound = held["envelope"]
    return MemoryOf(
        model=labelled(model_name(record.run), variant),
        kernel=kernel_name(record.run.kernel),
        state=state,
        seed=record.run.seed,
        error=(rmse / record.notes["predict_zero"]) ** 2,
        ages=np.array(held["ages"]),
        memory=np.array(held["memory"]),
        envelope=None if bound is None else np.array(bound),
    )


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Draw `memory_functions`: random models beside trained ones."""
    found = select(memories(records), kernel="polynomial")
    if not found:
        return []
    models = list(dict.fromkeys(row.model for row in found))
    with style.paper():
        figure = Figure(figsize=(style.WIDTH, 2.9), layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        for panel, state in zip(axes, STATES, strict=True):
            for number, model in enumerate(models):
                _curve(panel, select(found, model=model, state=state), number)
            ages = found[0].ages
            panel.plot(1 + ages, HEAVY(ages), color="0.6", linewidth=3, zorder=1, label="target")
            panel.set(xscale="log", yscale="log", xlabel="age $t + 1$", title=state)
        axes[0].set(ylabel="memory function", ylim=(1e-8, 1e2))
        style.shared_legend(figure, axes[1:], ncols=2 * len(models) + 1)
        return style.save(figure, folder, "memory_functions")


def _curve(panel: Axes, rows: Sequence[MemoryOf], number: int) -> None:
    """Draw mean and range over seeds, and the bound of the first."""
    if not rows:
        return
    places, colour = (1 + rows[0].ages).tolist(), style.PALETTE[number]
    samples = list(np.array([row.memory for row in rows]).T)
    look = {"marker": style.MARKERS[number], "markevery": (2 * number, 12)}
    style.band(panel, places, samples, color=colour, label=rows[0].model, **look)
    if rows[0].envelope is not None:
        panel.plot(places, rows[0].envelope, ":", color=colour, label="bound")


def parts(records: Sequence[Record]) -> list[str]:
    """Sections of Markdown about memory functions."""
    return [
        "## Memory functions",
        "Squared error over that of predicting zero, memory at some ages, and the form of decay "
        "that fits best of any seed.",
        _table(memories(records)),
        "## Claims about memory functions",
        verdict_table(CLAIMS, records),
    ]


def _table(found: Sequence[MemoryOf]) -> str:
    keys = dict.fromkeys((row.model, row.kernel, row.state) for row in found)
    rows = []
    for model, kernel, state in keys:
        held = select(found, model=model, kernel=kernel, state=state)
        ages = [estimate([row.at(age) for row in held], 0) for age in SHOWN_AGES]
        forms = ", ".join(sorted({row.form for row in held}))
        rows.append([model, kernel, state, estimate([row.error for row in held], 0), *ages, forms])
    ages = [f"age {age}" for age in SHOWN_AGES]
    return markdown(["model", "memory", "state", "error", *ages, "decay"], rows)


def _judge(decide: Callable[[Sequence[MemoryOf]], Verdict], **facts: object) -> Judge:
    def judge(records: Sequence[Record]) -> Verdict:
        rows = select(memories(records), **facts)
        return decide(rows) if rows else Verdict("not run", "no finished record of such a model")

    return judge


def _bounded(rows: Sequence[MemoryOf]) -> Verdict:
    ratios = {
        f"{row.state}, seed {row.seed}": float(np.max(row.memory / row.envelope)) for row in rows
    }
    detail = ", ".join(f"{name}: {value:.3g}" for name, value in ratios.items())
    holds = all(value <= 1 for value in ratios.values())
    return Verdict("pass" if holds else "fail", f"largest memory over bound: {detail}")


def _slower(rows: Sequence[MemoryOf]) -> Verdict:
    """Whether training on a slow memory leaves RNN, GRU and LSTM with more of it at age 50."""
    nonlinear = [row for row in rows if row.model in ("rnn", "gru", "lstm")]
    before, after = select(nonlinear, state="random"), select(nonlinear, state="trained")
    shares = {}
    for old in before:
        for new in select(after, model=old.model, seed=old.seed, kernel=old.kernel):
            name = f"{old.model} {old.seed}"
            shares[name] = (new.at(50) / new.memory.max(), old.at(50) / old.memory.max())
    detail = ", ".join(f"{name}: {a:.2g} from {b:.2g}" for name, (a, b) in shares.items())
    if not shares:
        return Verdict("not run", "no model has been trained")
    return Verdict("pass" if all(a > b for a, b in shares.values()) else "fail", detail)


_CLAIMS = (
    Claim(
        "bound",
        "the memory of a linear diagonal recurrence, random or trained, stays below theory's bound",
        _judge(_bounded, model="diagonal"),
    ),
    Claim(
        "rnn-gru-lstm-slower",
        "RNN, GRU and LSTM trained on polynomial memory keep a larger share of it at age 50",
        _judge(_slower, kernel="polynomial"),
    ),
)
CLAIMS = of_one_setting(_CLAIMS, cell_of)
