"""Training settings are data, checked when they are made."""

import math
from dataclasses import FrozenInstanceError, replace

import pytest

from seqtheory.training import Training


def test_settings_are_frozen_values() -> None:
    training = Training(learning_rate=3e-4, clip=0.5, target=0.9)
    assert training == replace(training)
    assert hash(training) == hash(replace(training))
    assert replace(training, seed=1) != training
    with pytest.raises(FrozenInstanceError):
        training.seed = 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["learning_rate", "clip"])
def test_rates_that_cannot_train_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value} must be a positive number"):
        Training(**{name: value})


@pytest.mark.parametrize(
    "name", ["learning_rate", "weight_decay", "clip", "target", "batch_size", "num_steps", "seed"]
)
@pytest.mark.parametrize("value", ["1", True, [1]])
def test_what_is_no_number_is_refused(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"{name}="):
        Training(**{name: value})


@pytest.mark.parametrize("name", ["batch_size", "num_steps", "evaluate_every"])
def test_counts_start_at_one(name: str) -> None:
    assert getattr(Training(**{name: 1}), name) == 1
    with pytest.raises(ValueError, match=f"{name}=0 is too small"):
        Training(**{name: 0})
    with pytest.raises(TypeError, match=rf"{name}=2\.0 is not an integer"):
        Training(**{name: 2.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_decay", -0.1), ("seed", -1), ("target", math.nan), ("weight_decay", math.inf)],
)
def test_other_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}="):
        Training(**{name: value})
