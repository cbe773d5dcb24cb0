"""What the optimisers of a training share: their settings' checks, defaults and constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from seqtheory.checks import require_choice, require_positive

if TYPE_CHECKING:
    from seqtheory.training._training import Training

Rule = Literal["adamw", "sgd", "momentum", "muon"]

RULES = ("adamw", "sgd", "momentum", "muon")
# Of the polynomial that sends singular values in (0, 1] close to 1, and how often it is applied.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
NEWTON_SCHULZ_STEPS = 5
SMALLEST_NORM = 1e-7  # a matrix below it is divided by it
_MOMENTUM = {"momentum": 0.9, "muon": 0.95}
_MATRIX_RATE = 0.02
_OWNERS = {
    "momentum": ("momentum", "muon"),
    "matrix_learning_rate": ("muon",),
    "matrix_weight_decay": ("muon",),
}


def momentum_of(training: Training) -> float:
    """Share of the last average in the next; 0 for an optimiser that has none of its own."""
    if training.momentum is not None:
        return training.momentum
    return _MOMENTUM.get(training.optimiser, 0.0)


def matrix_rate(training: Training) -> tuple[float, float]:
    """Learning rate and decay of the matrices that Muon moves."""
    rate, decay = training.matrix_learning_rate, training.matrix_weight_decay
    return _MATRIX_RATE if rate is None else rate, 0.0 if decay is None else decay


def shape_factor(rows: int, columns: int) -> float:
    """Muon's factor on the update of a matrix: the root of rows over columns, at least 1."""
    return max(1.0, rows / columns) ** 0.5


def check(training: Training) -> None:
    """Raise unless the optimiser is known and has every setting that is given.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, or is a setting of another optimiser.
    """
    require_choice("optimiser", training.optimiser, RULES)
    for name, owners in _OWNERS.items():
        value = getattr(training, name)
        if value is None:
            continue
        require_positive(name, value, zero_allowed=name != "matrix_learning_rate")
        if training.optimiser not in owners:
            raise ValueError(
                f"{name}={value} belongs to optimiser={' or '.join(map(repr, owners))}, but the "
                f"optimiser is {training.optimiser!r}, which would ignore it. Leave it out, or "
                "change the optimiser."
            )
    if training.momentum is not None and training.momentum >= 1:
        raise ValueError(
            f"momentum={training.momentum}: expected less than 1, such as 0.9; from 1 on the "
            "average would never forget a gradient."
        )
