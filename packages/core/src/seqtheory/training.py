"""How long and how fast a model is trained: data only, read by the fit of each framework."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite


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
        Value of the study's metric at which training stops early; None never stops.
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
        for name, least in (
            ("batch_size", 1),
            ("num_steps", 1),
            ("evaluate_every", 1),
            ("seed", 0),
        ):
            _check_count(name, getattr(self, name), least)
        _check_real("learning_rate", self.learning_rate)
        _check_real("weight_decay", self.weight_decay)
        if self.learning_rate <= 0:
            raise ValueError(f"got learning_rate {self.learning_rate!r}, expected more than 0.")
        if self.weight_decay < 0:
            raise ValueError(f"got weight_decay {self.weight_decay!r}, expected at least 0.")
        if self.clip is not None:
            _check_real("clip", self.clip)
            if self.clip <= 0:
                raise ValueError(f"got clip {self.clip!r}, expected more than 0, or None for none.")
        if self.target is not None:
            _check_real("target", self.target)


def _check_count(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"got {name} {value!r}, expected an integer of at least {least}.")
    if value < least:
        raise ValueError(f"got {name} {value!r}, expected at least {least}.")


def _check_real(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"got {name} {value!r}, expected a number.")
    if not isfinite(value):
        raise ValueError(f"got {name} {value!r}, expected a finite number.")
