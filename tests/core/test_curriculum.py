"""How much of each word a training learns from is a function of what has been evaluated."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from seqtheory.dataset import Dataset
from seqtheory.plain import described, restored
from seqtheory.training import (
    Course,
    Curriculum,
    Evaluated,
    FitData,
    Progress,
    Snapshot,
    Training,
)

TRAINING = Training(loss="cross_entropy", curriculum=Curriculum(start=2, level=0.9))


def words(length: int = 4, rows: int = 3) -> Dataset:
    tokens = np.arange(rows * length).reshape(rows, length) % 3
    return Dataset(tokens, tokens)


@pytest.mark.parametrize(
    ("accuracies", "by", "expected"),
    [
        ([1.0, 0.89, 1.0, 1.0], 1, 2),
        ([0.0, 0.9, 0.5, 1.0], 1, 3),
        ([1.0, 1.0, 1.0, 0.2], 1, 4),
        ([1.0, 0.95, 0.1, 0.1], 2, 4),
        ([1.0, math.nan, 0.1, 0.1], 1, 3),
    ],
)
def test_it_grows_while_the_last_position_passes(
    accuracies: list[float], by: int, expected: int
) -> None:
    assert Curriculum(start=2, level=0.9, by=by).grown(2, accuracies, length=4) == expected
    assert Curriculum().grown(4, [1.0] * 4, length=4) == 4


def test_positions_follow_from_the_evaluations() -> None:
    course, progress = Course.of(TRAINING, words()), Progress()
    found: list[float] = []
    for accuracies in ([0.9, 0.3, 0.3, 0.3], [1.0, 0.95, 0.4, 0.3], [1.0, 1.0, 0.5, 0.2]):
        metrics: dict[str, Any] = {"position_accuracy": accuracies}
        metrics |= course.facts(progress.evaluations)
        found.append(progress.evaluated(metrics, learning_rate=0.1).metrics["trained_length"])
    assert found == [2, 2, 3]
    assert course.positions(progress.evaluations) == 3
    state = json.loads(json.dumps(progress.state(TRAINING, "d")))
    again = Progress.restored(Snapshot(0, {}, state), TRAINING, "d")
    assert course.positions(again.evaluations) == 3
    del state["evaluations"][1][1]["trained_length"]
    with pytest.raises(ValueError, match="evaluations cannot be of a fit"):
        Progress.restored(Snapshot(0, {}, state), TRAINING, "d")


def test_without_a_curriculum_all_positions_count() -> None:
    course = Course.of(Training(), words())
    assert course.is_whole
    assert course.positions([Evaluated(0, {"rmse": 1.0})]) == 4
    assert course.facts([]) == {}


def test_mixed_lengths_follow_from_seed_and_step() -> None:
    training = Training(lengths="mixed", seed=3)
    course = Course.of(training, words(5))
    lengths = [course.drawn(step, 5) for step in range(200)]
    assert {*lengths} == {2, 3, 4, 5}
    assert lengths == [course.drawn(step, 5) for step in range(200)]
    other = Course.of(replace(training, seed=4), words(5))
    assert lengths != [other.drawn(step, 5) for step in range(200)]


def test_words_are_cut_or_masked() -> None:
    mask = np.array([[True, True, True], [True, False, False]])
    data = Dataset(np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3), mask)
    cut = Course.of(TRAINING, data).shown(data, 2)
    assert cut.inputs.tolist() == [[0, 1], [3, 4]]
    assert cut.mask is not None
    assert cut.mask.tolist() == [[True, True], [True, False]]
    masking = replace(TRAINING, curriculum=Curriculum(kind="mask"))
    shown = Course.of(masking, data).shown(data, 2)
    assert shown.inputs.shape == (2, 3)
    assert shown.scored is not None
    assert shown.scored.tolist() == [[True, True, False], [True, False, False]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "words"}, "kind='words': expected one of"),
        ({"start": 0}, "start=0: expected an integer of at least 1"),
        ({"by": 0}, "by=0: expected an integer of at least 1"),
        ({"level": 1.1}, r"level=1\.1: expected an accuracy"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Curriculum(**settings)


def test_trainings_that_a_curriculum_cannot_judge_are_refused() -> None:
    with pytest.raises(ValueError, match="loss='squared_error' has none"):
        Training(curriculum=Curriculum())
    with pytest.raises(ValueError, match=r"curriculum\.start=1 with lengths='mixed'"):
        replace(TRAINING, curriculum=Curriculum(start=1), lengths="mixed")
    with pytest.raises(TypeError, match="expected a Curriculum or None"):
        Training(loss="cross_entropy", curriculum="mask")  # pyright: ignore[reportArgumentType]


def test_data_that_do_not_suit_the_curriculum_are_refused() -> None:
    data, per_row = words(), Dataset(np.zeros((3, 4), int), np.zeros(3, int))
    FitData(data, data).check(TRAINING)
    with pytest.raises(ValueError, match="needs a target at every position"):
        FitData(per_row, per_row).check(TRAINING)
    with pytest.raises(ValueError, match="Hold out longer words"):
        FitData(data, words(3)).check(TRAINING)
    late = replace(TRAINING, curriculum=Curriculum(start=5))
    with pytest.raises(ValueError, match=r"start=5 is more than the 4 positions"):
        FitData(data, data).check(late)
    scored = np.array([[False, False, True, True]] * 3)
    sparse = Dataset(data.inputs, data.targets, scored=scored)
    with pytest.raises(ValueError, match="first 2 positions of train row 0"):
        FitData(sparse, data).check(TRAINING)
    with pytest.raises(ValueError, match="needs words of 2 positions"):
        FitData(words(1), data).check(Training(loss="cross_entropy", lengths="mixed"))


def test_the_target_may_be_that_of_the_last_position() -> None:
    metrics: dict[str, Any] = {"token_accuracy": 0.9, "position_accuracy": [1.0, 0.8]}
    training = Training(loss="cross_entropy", target=0.9)
    assert training.reached(metrics)
    assert not replace(training, target_at="last").reached(metrics)
    with pytest.raises(ValueError, match="target_at='last' says where"):
        Training(target_at="last")


def test_a_training_with_a_curriculum_has_a_plain_form() -> None:
    plain = described(TRAINING)
    assert plain["curriculum"]["type"] == "Curriculum"
    assert restored(json.loads(json.dumps(plain)), Training) == TRAINING
    assert "curriculum" not in described(Training())
