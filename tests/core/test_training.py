"""Training settings are data, checked when they are made."""

import hashlib
import json
import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest

from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.training import (
    ClassificationScores,
    FitData,
    Progress,
    RegressionScores,
    Snapshot,
    Training,
    row_batches,
)


def test_settings_are_frozen_values() -> None:
    training = Training(learning_rate=3e-4, clip=0.5, target=0.9)
    assert training == replace(training)
    assert hash(training) == hash(replace(training))
    assert replace(training, seed=1) != training
    with pytest.raises(FrozenInstanceError):
        training.seed = 1  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["learning_rate", "clip", "state_learning_rate"])
def test_rates_that_cannot_train_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value}: expected a positive number"):
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
    with pytest.raises(ValueError, match=f"{name}=0: expected an integer of at least"):
        Training(**{name: 0})
    with pytest.raises(TypeError, match=rf"{name}=2\.0: expected an integer"):
        Training(**{name: 2.0})


@pytest.mark.parametrize(
    ("name", "value"),
    [("weight_decay", -0.1), ("seed", -1), ("target", math.nan), ("weight_decay", math.inf)],
)
def test_other_values_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}="):
        Training(**{name: value})


@pytest.mark.parametrize("name", ["loss", "schedule", "auxiliary", "precision", "optimiser"])
def test_unknown_choices_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}='cosin': expected one of"):
        Training(**{name: "cosin"})


def test_settings_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="warmup_steps=11 is more than num_steps=10"):
        Training(num_steps=10, warmup_steps=11)
    with pytest.raises(ValueError, match="token accuracy, at most 1"):
        Training(loss="cross_entropy", target=1.5)
    assert Training(target=1.5).target == 1.5


@pytest.mark.parametrize("warmup", [0, 1, 7, 20])
def test_a_cosine_falls_from_the_full_rate_after_the_warmup(warmup: int) -> None:
    training = Training(num_steps=20, warmup_steps=warmup, schedule="cosine")
    factors = [training.schedule_factor(step) for step in range(21)]
    assert np.diff(factors[:warmup]).min(initial=1) > 0
    assert warmup == 20 or factors[warmup] == 1
    assert np.diff(factors[warmup:]).max(initial=-1) < 0
    assert factors[-1] == 0
    if warmup:
        assert factors[warmup - 1] == 1
        assert factors[0] == pytest.approx(1 / warmup)


def test_a_constant_rate_stays() -> None:
    training = Training(num_steps=5, warmup_steps=2)
    assert [training.schedule_factor(step) for step in range(5)] == [0.5, 1, 1, 1, 1]


def test_a_late_decay_falls_linearly_over_its_steps() -> None:
    settings = {"num_steps": 8, "warmup_steps": 2, "schedule": "warmup_stable_decay"}
    training = Training(**settings, decay_steps=4)
    factors = [training.schedule_factor(step) for step in range(9)]
    assert factors == [0.5, 1, 1, 1, 1, 0.75, 0.5, 0.25, 0]
    for decay in (0, 7):
        with pytest.raises(ValueError, match=rf"decay_steps={decay}: .* expected 1 to 6"):
            Training(**settings, decay_steps=decay)
    with pytest.raises(ValueError, match="belongs to schedule='warmup_stable_decay'"):
        Training(decay_steps=4)


@pytest.mark.parametrize(
    ("optimiser", "settings", "message"),
    [
        ("sgd", {"momentum": 0.9}, "momentum=0.9 belongs to optimiser='momentum' or 'muon'"),
        ("adamw", {"matrix_learning_rate": 0.1}, "belongs to optimiser='muon'"),
        ("momentum", {"matrix_weight_decay": 0.0}, "belongs to optimiser='muon'"),
        ("muon", {"momentum": 1.0}, "momentum=1.0: expected less than 1"),
        ("muon", {"matrix_learning_rate": 0.0}, "matrix_learning_rate=0.0: expected a positive"),
    ],
)
def test_a_setting_of_another_optimiser_is_refused(
    optimiser: Any, settings: dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Training(optimiser=optimiser, **settings)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("stream", [(), (1,)])
def test_rows_come_in_the_order_of_the_data_set(drop_last: bool, stream: tuple[int, ...]) -> None:
    numbers = np.arange(10)
    data = Dataset(numbers, numbers)
    expected = [
        batch.inputs.tolist()
        for epoch in range(4)
        for batch in data.batches(4, (3, epoch, *stream))
        if len(batch) == 4 or not drop_last
    ]
    for start in range(5):
        batches = row_batches(10, 4, 3, stream=stream, start=start, drop_last=drop_last)
        found = [next(batches).tolist() for _ in expected[start:]]
        assert found == expected[start:]


def test_batches_that_would_never_come_are_refused() -> None:
    with pytest.raises(ValueError, match="batch_size=5 is more than the 4 rows"):
        row_batches(4, 5, 0, drop_last=True)


@pytest.mark.parametrize("cut", [1, 3, 7])
def test_scores_of_parts_add_up_to_those_of_the_whole(cut: int) -> None:
    rng = np.random.default_rng(0)
    predicted, targets = rng.integers(0, 2, (2, 9, 4))
    mask = np.arange(4) < rng.integers(1, 5, 9)[:, None]
    scores, part = ClassificationScores(4), ClassificationScores(4)
    scores.add(1.0, predicted[:cut], targets[:cut], mask[:cut])
    part.add(2.0, predicted[cut:], targets[cut:], mask[cut:])
    scores.totals += part.totals
    found = scores.metrics()
    assert found["loss"] == pytest.approx(3.0 / mask.sum())
    assert found["token_accuracy"] == metrics.token_accuracy(predicted, targets, mask)
    assert found["sequence_accuracy"] == metrics.sequence_accuracy(predicted, targets, mask)
    expected = metrics.position_accuracy(predicted, targets, mask)
    np.testing.assert_array_equal(found["position_accuracy"], expected)

    errors = RegressionScores()
    x, y = rng.normal(size=(2, 9, 4, 2)).astype(np.float32)
    errors.add(x[:cut], y[:cut], mask[:cut])
    errors.add(x[cut:], y[cut:], mask[cut:])
    assert errors.metrics()["rmse"] == pytest.approx(metrics.rmse(x, y, mask), rel=1e-14)


def test_an_error_of_what_is_not_finite_is_not_finite() -> None:
    for value, test in ((math.nan, math.isnan), (math.inf, math.isinf), (1e200, math.isinf)):
        scores = RegressionScores()
        scores.add(np.array([value, 1.0]), np.zeros(2))
        rmse = scores.metrics()["rmse"]
        assert isinstance(rmse, float)
        assert test(rmse)


def test_a_target_is_reached_from_its_own_side() -> None:
    accuracy = Training(loss="cross_entropy", target=0.9)
    assert accuracy.reached({"token_accuracy": 0.9})
    assert not accuracy.reached({"token_accuracy": 0.89})
    error = Training(target=0.1)
    assert error.reached({"rmse": 0.1})
    assert not error.reached({"rmse": 0.11})
    assert not error.reached({"rmse": math.nan})
    assert not Training().reached({"rmse": 0.0})


def progress_at_two() -> Progress:
    progress = Progress()
    progress.evaluated({"loss": 2.0, "position_accuracy": [0.5, math.nan]}, learning_rate=0.1)
    progress.stepped(1.5)
    progress.stepped(0.1 + 0.2)
    return progress


def test_progress_comes_back_from_json() -> None:
    training = Training(loss="cross_entropy")
    progress = progress_at_two()
    state = json.loads(json.dumps(progress.state(training, "d"), allow_nan=False))
    again = Progress.restored(Snapshot(2, {}, state), training, "d")
    assert again.step == 2
    assert repr(again.evaluations) == repr(progress.evaluations)
    assert again.evaluated({}, learning_rate=1.0) == progress.evaluated({}, learning_rate=1.0)


def test_progress_of_another_training_or_other_data_is_refused() -> None:
    training = Training(loss="cross_entropy")
    snapshot = Snapshot(2, {}, progress_at_two().state(training, "d"))
    with pytest.raises(ValueError, match=r"made with batch_size=32, .* batch_size=8"):
        Progress.restored(snapshot, replace(training, batch_size=8), "d")
    with pytest.raises(ValueError, match="other data"):
        Progress.restored(snapshot, training, "e")
    state = {k: v for k, v in snapshot.state.items() if k != "loss_count"}
    with pytest.raises(ValueError, match="lacks loss_count"):
        Progress.restored(replace(snapshot, state=state), training, "d")
    old = {k: v for k, v in snapshot.state["training"].items() if k != "optimiser"}
    state = {**snapshot.state, "training": old}
    with pytest.raises(ValueError, match="before trainings had the setting optimiser"):
        Progress.restored(replace(snapshot, state=state), training, "d")


def test_data_that_differ_have_other_digests() -> None:
    x, y = np.arange(6.0).reshape(3, 2), np.arange(3)
    data = Dataset(x, y)
    variants = [
        FitData(data, data),
        FitData(data, Dataset(x + 1, y)),
        FitData(data, Dataset(x.astype(np.float32), y)),
        FitData(data, Dataset(x, y, np.ones((3, 2), bool))),
        FitData(data, Dataset(x, x)),
        FitData(data, Dataset(x, x, np.ones((3, 2), bool))),
        FitData(data, Dataset(x, x, scored=np.ones((3, 2), bool))),
        FitData(data, data, data),
    ]
    assert len({v.digest() for v in variants}) == len(variants)
    assert FitData(Dataset(x.copy(order="F"), y), data).digest() == variants[0].digest()


def test_data_must_fit_the_loss() -> None:
    tokens, classes = np.zeros((2, 3), int), np.zeros((2, 3), int)
    mask = np.array([[True, True, False], [True, False, False]])
    hidden = np.where(mask, classes, -100)
    data = Dataset(tokens, hidden, mask)
    FitData(data, data).check(Training(loss="cross_entropy"))
    shown = Dataset(tokens, hidden)
    with pytest.raises(ValueError, match=r"held_out\.targets\[0\] holds the class -100"):
        FitData(data, shown).check(Training(loss="cross_entropy"))
    with pytest.raises(TypeError, match="one is integer, the other not"):
        FitData(data, Dataset(tokens.astype(float), classes)).check(Training(loss="cross_entropy"))


def test_the_digest_of_data_with_one_mask_is_that_of_earlier_records() -> None:
    mask = np.array([[True, True], [True, False]])
    data = Dataset(np.arange(4).reshape(2, 2), np.zeros((2, 2), int), mask)
    expected = hashlib.blake2b(digest_size=8)
    for name in ("train", "held_out"):
        for array in (data.inputs, data.targets, mask):
            expected.update(f"{name} {array.dtype.str} {array.shape};".encode())
            expected.update(array.tobytes())
    assert FitData(data, data).digest() == expected.hexdigest()


def test_every_row_needs_a_target_that_counts() -> None:
    tokens = np.zeros((2, 2), int)
    data = Dataset(tokens, tokens, scored=np.array([[False, True], [False, False]]))
    with pytest.raises(ValueError, match=r"train\.scored is False throughout row 1"):
        FitData(data, data).check(Training(loss="cross_entropy"))
