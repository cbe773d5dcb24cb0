"""The settings of a training: data only, read by the fit of each framework."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import require_choice, require_integer, require_positive


@dataclass(frozen=True, kw_only=True)
class Training:
    """Settings of one training run.

    The optimiser is AdamW, which without weight decay is Adam.

    Parameters
    ----------
    loss
        ``"squared_error"`` of real targets or ``"cross_entropy"`` of classes, averaged over the
        targets that count.
    learning_rate
        Step size of the optimiser, above 0.
    state_learning_rate
        Step size of the parameters of a recurrence, above 0; None for `learning_rate`.
    schedule
        ``"constant"``, or ``"cosine"``: half a cosine from the full rate down to 0 at `num_steps`.
    warmup_steps
        Steps over which the rate first grows linearly, at most `num_steps`.
    batch_size
        Rows per step.
    num_steps
        Largest number of optimiser steps to take.
    weight_decay
        Decoupled decay, at least 0; applied to weight matrices only.
    clip
        Largest global norm of the gradient, above 0; None leaves gradients alone.
    evaluate_every
        Steps between evaluations; one more follows the last step.
    target
        Held-out metric, at least 0, at which training stops early: the token accuracy to reach
        for ``"cross_entropy"``, the root mean squared error to come down to for
        ``"squared_error"``; None never stops.
    auxiliary
        How a step uses an auxiliary batch: ``"summed"`` adds its loss to that of the main batch and
        makes one update, ``"separate"`` makes a second update from it.
    auxiliary_batch_size
        Rows per auxiliary batch; None for `batch_size`.
    precision
        ``"bfloat16"`` computes matrix products in that type; parameters stay as they are. Needs
        an accelerator.
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

    loss: Literal["squared_error", "cross_entropy"] = "squared_error"
    learning_rate: float = 1e-3
    state_learning_rate: float | None = None
    schedule: Literal["constant", "cosine"] = "constant"
    warmup_steps: int = 0
    batch_size: int = 32
    num_steps: int = 10_000
    weight_decay: float = 0.0
    clip: float | None = None
    evaluate_every: int = 1000
    target: float | None = None
    auxiliary: Literal["summed", "separate"] = "summed"
    auxiliary_batch_size: int | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("loss", self.loss, ("squared_error", "cross_entropy"))
        require_choice("schedule", self.schedule, ("constant", "cosine"))
        require_choice("auxiliary", self.auxiliary, ("summed", "separate"))
        require_choice("precision", self.precision, ("float32", "bfloat16"))
        for name in ("batch_size", "num_steps", "evaluate_every"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.auxiliary_batch_size is not None:
            require_integer("auxiliary_batch_size", self.auxiliary_batch_size, minimum=1)
        require_integer("seed", self.seed, minimum=0)
        require_positive("learning_rate", self.learning_rate)
        require_positive("weight_decay", self.weight_decay, zero_allowed=True)
        for name in ("state_learning_rate", "clip"):
            if getattr(self, name) is not None:
                require_positive(name, getattr(self, name))
        self._check_warmup()
        self._check_target()

    def schedule_factor(self, step: int) -> float:
        r"""Factor on both learning rates in the update that follows `step` updates.

        .. math:: f_k = \frac{k + 1}{w} \quad (k < w), \qquad
            f_k = \tfrac12 \Bigl(1 + \cos \pi \frac{k - w}{n - w}\Bigr)
            \quad (k \ge w, \text{ cosine})

        and 1 from step w on if the schedule is constant; w is `warmup_steps`, n is `num_steps`.

        Examples
        --------
        >>> training = Training(num_steps=8, warmup_steps=4, schedule="cosine")
        >>> [round(training.schedule_factor(step), 3) for step in range(8)]
        [0.25, 0.5, 0.75, 1.0, 1.0, 0.854, 0.5, 0.146]
        """
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if self.schedule == "constant":
            return 1.0
        if step >= self.num_steps:
            return 0.0
        progress = (step - self.warmup_steps) / (self.num_steps - self.warmup_steps)
        return 0.5 * (1 + math.cos(math.pi * progress))

    def reached(self, metrics: dict[str, float | list[float]]) -> bool:
        """Whether held-out metrics (those of `Evaluated`) meet the target.

        Examples
        --------
        >>> Training(target=0.1).reached({"rmse": 0.09})
        True
        >>> Training(loss="cross_entropy", target=0.9).reached({"token_accuracy": 0.89})
        False
        """
        if self.target is None:
            return False
        if self.loss == "cross_entropy":
            accuracy = metrics["token_accuracy"]
            return isinstance(accuracy, float) and accuracy >= self.target
        error = metrics["rmse"]
        return isinstance(error, float) and error <= self.target

    def _check_warmup(self) -> None:
        require_integer("warmup_steps", self.warmup_steps, minimum=0)
        if self.warmup_steps > self.num_steps:
            raise ValueError(
                f"warmup_steps={self.warmup_steps} is more than num_steps={self.num_steps}: the "
                "full rate would never be reached. Warm up for fewer steps, or train for more."
            )

    def _check_target(self) -> None:
        if self.target is None:
            return
        require_positive("target", self.target, zero_allowed=True)
        if self.loss == "cross_entropy" and self.target > 1:
            raise ValueError(
                f"target={self.target} is out of reach: with loss='cross_entropy' it is a token "
                "accuracy, at most 1. Give a share such as 0.9."
            )
