"""A study whose record holds all that a record can: notes, metrics, checkpoints, tensors, a file.

It notes something before, while and after it works, so that a note lost in between shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.run import Run

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke",)
DEFAULT_PRESET = "smoke"


@dataclass(frozen=True, kw_only=True)
class Sum(Run):
    """A sum of so many random numbers."""

    num_steps: int = 2


def runs(preset: str) -> list[Sum]:
    """List the only run."""
    return [Sum()]


def execute(run: Sum, recorder: Recorder) -> None:
    """Add up numbers, each drawn from the step's own seed."""
    total, start = np.zeros(2), 0
    if (checkpoint := recorder.restore()) is not None:
        start, total = checkpoint.step, checkpoint.tensors["total"]
    else:
        recorder.note(chosen=run.num_steps)
    for step in range(start + 1, run.num_steps + 1):
        total = total + np.random.default_rng((run.seed, step)).normal(size=2)
        recorder.log(step, norm=float(np.linalg.norm(total)))
        recorder.note(**{f"step_{step}": step})
        if recorder.due():
            recorder.checkpoint(step, {"total": total})
    recorder.note(last=float(total[0]))
    recorder.save("total", {"total": total})
