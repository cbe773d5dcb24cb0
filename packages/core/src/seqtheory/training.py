"""How long and how fast a model is trained: data only, read by the fit of each framework."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory._settings import require_integer, require_positive


@dataclass(frozen=True, kw_only=True)
class Training:
    """Settings of one training run.

    Parameters
    ----------
    learning_rate
        Step size of the optimiser, above 0.
    batch_size
        Rows per step.
    num_steps
        Most optimiser steps to take.
    weight_decay
        Decoupled decay (AdamW), at least 0.
    clip
        Largest global norm of the gradient, above 0; None leaves gradients alone.
    evaluate_every
        Steps between evaluations; one more follows the last step.
    target
        Value of the study's metric, at least 0, at which training stops early; None never stops.
    seed
        Decides the order of the batches and every other draw of the training.

    Raises
    ------
    TypeError, ValueError
        If a setting is not a number, or out of range; the message names it.

    Examples
    --------
    >>> Training(learning_rate=3e-4, num_steps=1000).batch_size
    32
    """

    learning_rate: float = 1e-3
    batch_size: int = 32
    num_steps: int = 10_000
    weight_decay: float = 0.0
    clip: float | None = None
    evaluate_every: int = 1000
    target: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("batch_size", "num_steps", "evaluate_every"):
            require_integer(name, getattr(self, name), minimum=1)
        require_integer("seed", self.seed, minimum=0)
        require_positive("learning_rate", self.learning_rate)
        require_positive("weight_decay", self.weight_decay, zero_allowed=True)
        if self.clip is not None:
            require_positive("clip", self.clip)
        if self.target is not None:
            require_positive("target", self.target, zero_allowed=True)
