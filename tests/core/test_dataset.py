"""Data sets: rows stay together, parts are disjoint, and the seed alone decides the order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory.dataset import Dataset

few = settings(max_examples=40, deadline=None, derandomize=True)


def numbered(count: int) -> Dataset:
    rows = np.arange(count)
    inputs = np.stack([rows, rows + 0.5], axis=1)
    return Dataset(inputs, -rows, mask=np.stack([rows >= 0, rows % 2 == 0], axis=1))


def rows_of(data: Dataset) -> list[int]:
    assert data.mask is not None
    rows = -data.targets
    assert np.array_equal(data.inputs, np.stack([rows, rows + 0.5], axis=1))
    assert np.array_equal(data.mask[:, 1], rows % 2 == 0)
    return rows.tolist()


@given(st.integers(2, 200), st.integers(0, 9) | st.none(), st.integers(1, 9))
@few
def test_parts_are_disjoint_and_cover(count: int, seed: int | None, tenths: int) -> None:
    share = tenths / 10
    if not 0 < round(share * count) < count:
        return
    first, second = numbered(count).split((share, 1 - share), seed)
    assert len(first) == round(share * count)
    assert sorted(rows_of(first) + rows_of(second)) == list(range(count))


def test_parts_without_a_seed_keep_the_order() -> None:
    first, second = numbered(10).split((0.6, 0.2), seed=None)
    assert rows_of(first) == [0, 1, 2, 3, 4, 5]
    assert rows_of(second) == [6, 7]


def test_parts_without_a_seed_copy_nothing() -> None:
    data = numbered(10)
    assert all(np.shares_memory(p.inputs, data.inputs) for p in data.split((0.5, 0.5), None))


def test_a_share_of_rows_is_exact_at_full_scale() -> None:
    data = Dataset(np.zeros((100_000, 1)), np.arange(100_000))
    train, test = data.split((0.8, 0.2), seed=None)
    assert (len(train), len(test), test.targets[0]) == (80_000, 20_000, 80_000)
    assert [len(p) for p in data.split([0.1] * 10, 3)] == [10_000] * 10


@given(st.integers(1, 100), st.integers(1, 120), st.integers(0, 9) | st.none())
@few
def test_batches_hold_every_row_once(count: int, batch_size: int, seed: int | None) -> None:
    batches = list(numbered(count).batches(batch_size, seed))
    rows = [row for batch in batches for row in rows_of(batch)]
    assert sorted(rows) == list(range(count))
    assert all(len(batch) == batch_size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= batch_size
    assert seed is not None or rows == list(range(count))


def order(data: Dataset, batch_size: int, seed: int | tuple[int, ...] | None) -> list[int]:
    return [row for batch in data.batches(batch_size, seed) for row in batch.targets.tolist()]


def test_the_order_depends_on_the_seed_and_the_number_of_rows_alone() -> None:
    data = numbered(50)
    other = Dataset(np.ones((50, 3, 2)), data.targets)
    assert order(data, 7, 1) == order(data, 7, 1) == order(other, 7, 1) == order(data, 50, 1)
    assert order(data, 7, 1) != order(data, 7, 2)
    assert order(data, 7, (1, 0)) != order(data, 7, (1, 1))
    split = np.concatenate([part.targets for part in data.split((0.5, 0.5), 1)])
    assert split.tolist() != order(data, 7, 1)


def test_the_order_is_the_same_on_every_machine() -> None:
    assert order(Dataset(np.zeros(6), np.arange(6)), 6, 0) == [3, 5, 2, 4, 0, 1]


def test_arrays_are_views_that_cannot_be_written_to() -> None:
    inputs = np.zeros((3, 2))
    data = Dataset(inputs, np.arange(3))
    assert np.shares_memory(data.inputs, inputs)
    assert inputs.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        data.inputs[0, 0] = 1.0
    with pytest.raises(AttributeError):
        data.inputs = inputs  # pyright: ignore[reportAttributeAccessIssue]


def spoilt(shape: tuple[int, ...], where: tuple[int, ...], value: float) -> np.ndarray:
    array = np.zeros(shape)
    array[where] = value
    return array


TEN = np.zeros((10, 4))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((TEN, np.zeros(9)), ValueError, "10 inputs but 9 targets"),
        ((spoilt((9000, 3), (8999, 1), np.nan), np.zeros(9000)), ValueError, r"\[8999, 1\] is nan"),
        ((TEN, spoilt((10,), (4,), -np.inf)), ValueError, r"targets\[4\] is -inf"),
        ((TEN, np.zeros(10), np.ones((10, 3), bool)), ValueError, r"\(10, 3\), expected .*10, 4"),
        ((TEN, np.zeros(10), np.ones(10, bool)), ValueError, r"shape \(10,\)"),
        ((TEN, np.zeros(10), np.ones((10, 4))), TypeError, "mask has dtype float64"),
        ((TEN[:0], np.zeros(0)), ValueError, r"shape \(0, 4\)"),
        ((np.float64(3), np.zeros(1)), ValueError, r"shape \(\)"),
        ((np.array(["a"]), np.zeros(1)), TypeError, "inputs has dtype <U1"),
        ((np.array([None]), np.zeros(1)), TypeError, "inputs has dtype object"),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(
    arguments: tuple[np.ndarray, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Dataset(*arguments)


@pytest.mark.parametrize("fractions", [(), (0.0, 1.0), (-0.1,), (0.9, 0.2), (float("nan"),), 0.8])
def test_shares_that_make_no_split_are_refused(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="got fractions"):
        numbered(10).split(fractions, 0)


def test_empty_parts_and_bad_batches_are_refused_at_the_call() -> None:
    with pytest.raises(ValueError, match=r"0\.01 of 10 rows is an empty part"):
        numbered(10).split((0.9, 0.01), 0)
    for batch_size, error in ((0, ValueError), (2.5, TypeError), (True, TypeError)):
        with pytest.raises(error, match=f"batch_size={batch_size}"):
            numbered(10).batches(batch_size, 0)  # pyright: ignore[reportArgumentType]
    for seed, message in ((-1, "seed=-1"), ((), "the seed \\(\\)"), ((3, -1), "seed=-1")):
        with pytest.raises(ValueError, match=message):
            numbered(10).batches(2, seed)
    with pytest.raises(TypeError, match=r"seed=1\.5"):
        numbered(10).split((0.5,), 1.5)  # pyright: ignore[reportArgumentType]


def test_ragged_rows_are_refused_with_advice() -> None:
    with pytest.raises(ValueError, match=r"inputs is no array .* pass a mask"):
        Dataset([[1, 2], [3]], [1, 2])  # pyright: ignore[reportArgumentType]


def test_padded_rows_come_first_and_the_mask_shows_them() -> None:
    data = Dataset.padded([b"\3\1", b"\7", b"\0\0\0"], np.array([4, 5, 6]), length=5)
    assert data.inputs.tolist() == [[3, 1, 0, 0, 0], [7, 0, 0, 0, 0], [0, 0, 0, 0, 0]]
    assert data.mask is not None
    assert data.mask.sum(axis=1).tolist() == [2, 1, 3]
    assert data.inputs.dtype == np.uint8


@pytest.mark.parametrize(
    ("rows", "length", "message"),
    [
        ([b"a", b""], None, "row 1 has 0 tokens, expected 1 to 1"),
        ([b"a", b"abc"], 2, "row 1 has 3 tokens, expected 1 to 2"),
        ([], None, r"inputs has shape \(0, 0\)"),
        ([b"a"], 3, "1 inputs but 2 targets"),
    ],
)
def test_rows_that_cannot_be_padded_are_named(
    rows: list[bytes], length: int | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Dataset.padded(rows, np.zeros(0 if not rows else 2), length)


def test_where_targets_count_is_told_apart_from_where_inputs_exist() -> None:
    inputs = np.arange(12).reshape(3, 4)
    mask = np.arange(4) < np.array([[4], [3], [2]])
    scored = mask & (inputs % 2 == 1)
    plain, both = Dataset(inputs, inputs, mask), Dataset(inputs, inputs, mask, scored)
    assert Dataset(inputs, inputs).counted is None
    assert Dataset(inputs, np.arange(3), mask).counted is None  # one target per row: all count
    assert plain.counted is plain.mask
    assert both.counted is both.scored
    first, rest = both.split((1 / 3, 2 / 3), seed=None)
    assert np.array_equal(first.scored, scored[:1])
    assert np.array_equal(rest.scored, scored[1:])
    for batch in both.batches(2, seed=1):
        assert np.array_equal(batch.scored, scored[batch.inputs[:, 0] // 4])


@pytest.mark.parametrize(
    ("targets", "scored", "error", "message"),
    [
        (np.zeros((2, 3)), np.ones((2, 3), int), TypeError, "scored has dtype int64"),
        (np.zeros((2, 3)), np.ones((2, 4), bool), ValueError, r"scored has shape \(2, 4\)"),
        (np.zeros(2), np.ones((2, 3), bool), ValueError, r"targets have shape \(2,\) but scored"),
        (np.zeros((2, 3)), np.ones((2, 3), bool), ValueError, r"scored\[1, 2\] is True where"),
    ],
)
def test_what_counts_must_fit_targets_and_mask(targets, scored, error, message) -> None:
    mask = np.array([[True, True, True], [True, True, False]])
    with pytest.raises(error, match=message):
        Dataset(np.zeros((2, 3)), targets, mask, scored)
