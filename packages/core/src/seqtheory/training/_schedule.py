"""The course of the learning rates: warm-up, then constant, half a cosine, or a late decay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seqtheory.checks import require_choice, require_integer

if TYPE_CHECKING:
    from seqtheory.training._training import Training

SCHEDULES = ("constant", "cosine", "warmup_stable_decay")


def factor(training: Training, step: int) -> float:
    """Factor on the learning rates in the update that follows `step` updates."""
    if step < training.warmup_steps:
        return (step + 1) / training.warmup_steps
    if training.schedule == "constant":
        return 1.0
    left = training.num_steps - step
    if left <= 0:
        return 0.0
    if training.schedule == "cosine":
        progress = (step - training.warmup_steps) / (training.num_steps - training.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * progress))
    return min(1.0, left / training.decay_steps)


def check(training: Training) -> None:
    """Raise unless the parts of the schedule fit into the steps.

    Raises
    ------
    TypeError, ValueError
        If a number of steps is no integer, negative, not of this schedule, or too great.
    """
    require_choice("schedule", training.schedule, SCHEDULES)
    for name in ("warmup_steps", "decay_steps"):
        require_integer(name, getattr(training, name), minimum=0)
    warmup, decay, steps = training.warmup_steps, training.decay_steps, training.num_steps
    if warmup > steps:
        raise ValueError(
            f"warmup_steps={warmup} is more than num_steps={steps}: the full rate would never be "
            "reached. Warm up for fewer steps, or train for more."
        )
    if training.schedule != "warmup_stable_decay":
        if decay:
            raise ValueError(
                f"decay_steps={decay} belongs to schedule='warmup_stable_decay', but the schedule "
                f"is {training.schedule!r}, which has no such part. Leave it out, or change the "
                "schedule."
            )
    elif not 1 <= decay <= steps - warmup:
        raise ValueError(
            f"decay_steps={decay}: with schedule='warmup_stable_decay' expected 1 to "
            f"{steps - warmup}, the num_steps={steps} without the warmup_steps={warmup}."
        )
