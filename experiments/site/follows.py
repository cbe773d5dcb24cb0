"""Which model follows a task, for how long, and how sure that is: a table, the longest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from experiments.report.interval import READING, estimate, share
from experiments.report.rows import Load
from experiments.site.columns import Choice
from experiments.site.template import render
from experiments.tracking.cells import Cell, cells
from experiments.tracking.figure import records
from experiments.tracking.judgement import outcome
from experiments.tracking.prediction import predicted
from seqtheory.expressivity import Verdict

TASK = "A5"
FILE = "follows.html"
QUESTION = "Which model follows A5, for how long, and how sure is that?"


@dataclass(frozen=True)
class Line:
    """A model on a task.

    Parameters
    ----------
    task, length
        The task, and the longest words that the model was trained on.
    model
        Its name.
    theory
        Whether one layer can follow the task at every length; None where theory says nothing.
    solved
        How many seeds learnt it at the trained lengths.
    horizon, mean
        Letters up to which every answer is right nine times of ten, with its interval over seeds,
        and their mean alone.
    tested
        Length of the longest words that it was tested on.
    shows
        What a failure shows.
    runs
        Hashes of the runs, one per seed.
    """

    task: str
    length: int
    model: str
    theory: Verdict | None
    solved: str
    horizon: str
    mean: float
    tested: int
    shows: str
    runs: tuple[str, ...]

    @property
    def to_the_end(self) -> bool:
        """Whether every seed is right as far as it was tested."""
        return self.mean == self.tested


def lines(load: Load) -> list[Line]:
    """Measure every model on every task, those that go on longest first."""
    study = [cell for cell in cells(records(load, None)) if cell.tested]
    return sorted((_line(cell, study) for cell in study), key=lambda line: -line.mean)


def sentence(found: Iterable[Line], task: str = TASK) -> str:
    """Say which models follow a task as far as they were tested, and how many fail where."""
    held = [line for line in found if line.task == task]
    length = max(line.length for line in held)
    held = [line for line in held if line.length == length]
    whole = [line for line in held if line.to_the_end]
    longer = [line for line in held if line.mean > length and not line.to_the_end]
    tested = max(line.tested for line in held)
    names = " and ".join(f"{_plainly(line)} ({line.solved} seeds)" for line in whole) or "none"
    return (
        f"Of {len(held)} models with one layer, trained on words of up to {length} letters, the "
        f"ones that are right at every letter up to {tested}, as far as they were tested: {names}. "
        f"Others that go on beyond letter {length} and then fail: {len(longer)}."
    )


def _plainly(line: Line) -> str:
    """Name a model in a sentence, where a comma would part its name."""
    return line.model.replace(", JAX", " in JAX")


def page(found: Sequence[Line], *, docs: bool) -> str:
    """Write the page."""
    tasks = sorted({line.task for line in found}, key=lambda task: (task != TASK, task))
    return render(
        "follows.html",
        root="",
        docs=docs,
        title=f"{QUESTION} · seqtheory",
        kicker="Trained trackers of the study tracking",
        heading=QUESTION,
        sentence=sentence(found),
        reading=READING.replace("\n", " "),
        task=TASK,
        lines=[line for line in found if line.task == TASK],
        others=[line for line in found if line.task != TASK],
        choices=[Choice(0, "task", tuple(task for task in tasks if task != TASK))],
    )


def _line(cell: Cell, study: Sequence[Cell]) -> Line:
    horizons, tested = cell.horizons(), max(cell.tested)
    return Line(
        task=cell.task,
        length=cell.length,
        model=cell.name,
        theory=predicted(cell) if cell.kind.transition is not None else None,
        solved=share(sum(curve.passes for curve in cell.curves), len(cell.curves)),
        horizon=estimate(horizons, 0, tested),
        mean=float(horizons.mean()),
        tested=tested,
        shows=outcome(cell, study),
        runs=tuple(record.hash for record in cell.records),
    )
