"""Streams of fresh rows: a function of seed and step, told apart by their task."""

from dataclasses import dataclass

import numpy as np
import pytest

from seqtheory.dataset import Dataset
from seqtheory.group import group
from seqtheory.tasks import (
    DecayingMemory,
    GroupWords,
    ListOps,
    MultiQueryRecall,
    Parity,
    SignatureLabels,
)
from seqtheory.training import FitData, Stream, TaskStream, Training
from seqtheory.training._stream import fresh_rows

TASKS = [
    GroupWords("A5", length=4),
    GroupWords("S3", length=2, letters="swaps", tokens_per_letter=2),
    Parity(min_length=3, max_length=5),
    MultiQueryRecall(),
    SignatureLabels(length=5, normalise="none"),
    DecayingMemory(length=6),
]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: type(task).__name__)
def test_rows_follow_from_seed_and_step(task) -> None:
    stream = TaskStream(task)
    assert isinstance(stream, Stream)
    batch = stream.batch(7, seed=1, step=3)
    assert len(batch) == 7
    assert stream.batch(7, 1, 3).inputs.tobytes() == batch.inputs.tobytes()
    for seed, step in ((1, 4), (2, 3)):
        other = stream.batch(7, seed, step)
        assert other.inputs.shape == batch.inputs.shape
        assert other.inputs.tobytes() != batch.inputs.tobytes()


def test_words_may_repeat_and_are_uniform() -> None:
    data = GroupWords("S3", length=2).with_rows(7200).build(0)
    assert data.inputs.shape == (7200, 2)
    counts = np.bincount(data.inputs[:, 0] * 6 + data.inputs[:, 1], minlength=36)
    assert np.abs(counts - 200).max() < 5 * np.sqrt(200)
    expected = group("S3").running_products(data.inputs)
    np.testing.assert_array_equal(data.targets, expected)


def test_a_task_whose_rows_depend_on_each_other_is_refused() -> None:
    with pytest.raises(TypeError, match="expected a task with a method with_rows"):
        TaskStream(ListOps())  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="rows drawn anew would have another scale"):
        TaskStream(SignatureLabels()).batch(2, 0, 0)


def test_the_digest_of_data_tells_streams_apart() -> None:
    held_out = GroupWords("S3", length=3, num_words=20).build(0)
    digests = {
        FitData(TaskStream(task), held_out).digest()
        for task in (GroupWords("S3", length=3), GroupWords("Z6", length=3))
    }
    digests.add(FitData(held_out, held_out).digest())
    assert len(digests) == 3


def test_data_of_a_stream_are_checked_by_a_sample() -> None:
    held_out = GroupWords("S3", length=3, num_words=20).build(0)
    training = Training(loss="cross_entropy")
    FitData(TaskStream(GroupWords("S3", length=3)), held_out).check(training)
    with pytest.raises(ValueError, match=r"held_out\.inputs have shape \(20, 3\) but train"):
        FitData(TaskStream(DecayingMemory()), held_out).check(Training())


@dataclass(frozen=True)
class Short:
    """A stream that gives one row less."""

    description: str = "short"

    def batch(self, rows: int, seed: int, step: int) -> Dataset:
        return GroupWords("S3", length=3, num_words=rows - 1).build(seed)


def test_a_stream_of_too_few_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="gave 3 rows at step 5, expected the 4"):
        fresh_rows(Short(), 4, 0, 5)
