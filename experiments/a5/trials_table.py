"""The trials that chose the recipe: one seed each, the letters that each came to know."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.a5.ablation_claims import variant
from experiments.record import Record
from experiments.report import origins
from experiments.report.markdown import markdown


def section(records: Sequence[Record]) -> list[str]:
    """Markdown parts; none without records."""
    done = [record for record in records if record.finished and record.metrics]
    if not done:
        return []
    letters = range(2, max(record.run.length for record in done) + 1)
    about = ["model", "depth", "length", "differs by", "steps", "minutes"]
    header = [*about, *(f"letter {n}" for n in letters)]
    return [
        "## Trials that chose the recipe",
        "One seed each. Steps: those it took, and the most that it had. "
        "Minutes: of processors, on one thread. Letters: held-out accuracy at the last evaluation.",
        markdown(header, [_row(record, letters) for record in done]),
        "## Where the trials come from",
        origins.table(done),
    ]


def _row(record: Record, letters: range) -> list[str]:
    run, last = record.run, record.metrics[-1]
    reached = last["position_accuracy"]
    steps = f"{last['step']:,} of {run.training.num_steps:,}"
    minutes = record.processor_minutes
    return [
        run.model,
        str(run.depth),
        str(run.length),
        variant(record),
        steps,
        "" if minutes is None else f"{minutes:.0f}",
        *(f"{reached[n - 1]:.2f}" if n <= run.length else "" for n in letters),
    ]
