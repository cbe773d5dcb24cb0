"""The word problem: distinct words, uniformly drawn, with their running products."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from seqtheory.group import group, order_of
from seqtheory.tasks import GroupWords
from seqtheory.tasks.group_words import _repeated

few = settings(max_examples=25, deadline=None, derandomize=True)


def distinct(words: np.ndarray) -> int:
    return len({row.tobytes() for row in words})


@given(
    st.sampled_from(["A5", "S3", "Z2", "Z60", "A4_x_Z5", "S5", "Z300"]),
    st.integers(1, 25),
    st.integers(1, 400),
    st.integers(0, 99),
)
@few
def test_words_are_distinct_and_labelled(name: str, length: int, count: int, seed: int) -> None:
    data = GroupWords(name, length, count).build(seed)
    expected = min(count, order_of(name) ** length)
    assert data.inputs.shape == data.targets.shape == (expected, length)
    assert distinct(data.inputs) == expected
    assert np.array_equal(group(name).running_products(data.inputs), data.targets)
    assert data.inputs.max() < order_of(name)


@pytest.mark.parametrize(("name", "length"), [("A5", 2), ("S3", 4), ("Z2", 10), ("Z1", 5)])
@pytest.mark.parametrize("surplus", [0, 1, 10**9])
def test_few_words_are_all_listed_in_lexicographic_order(
    name: str, length: int, surplus: int
) -> None:
    order = order_of(name)
    words = GroupWords(name, length, order**length + surplus).build(seed=3).inputs
    assert words.tolist() == [list(word) for word in product(range(order), repeat=length)]


@pytest.mark.parametrize("count", [3599, 3000, 1801, 1800, 1799, 100, 1])
def test_words_are_distinct_at_every_share_of_the_whole(count: int) -> None:
    words = GroupWords("A5", 2, count).build(seed=0).inputs
    assert distinct(words) == len(words) == count


def test_a_million_words_of_length_twenty_are_distinct() -> None:
    data = GroupWords().build(seed=0)
    assert data.inputs.shape == (1_000_000, 20)
    assert data.inputs.dtype == data.targets.dtype == np.uint8
    assert len(np.unique(np.ascontiguousarray(data.inputs).view("V20"))) == 1_000_000


@pytest.mark.parametrize("length", [4, 5])
def test_repeated_draws_are_replaced(length: int) -> None:
    # 200,000 of 60^4 words repeat about 1500 times when drawn blindly
    words = GroupWords("A5", length, 200_000).build(seed=1).inputs
    assert distinct(words) == 200_000


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 5))
@few
def test_repeats_are_found_exactly(seed: int, limbs: int, values: int) -> None:
    rows = np.random.default_rng(seed).integers(0, values, (40, limbs)).astype(np.uint64)
    seen: set[bytes] = set()
    for row, repeated in zip(rows, _repeated(rows), strict=True):
        assert repeated == (row.tobytes() in seen)
        seen.add(row.tobytes())


@pytest.mark.parametrize("length", [9, 10, 11, 20, 23])
def test_tokens_are_uniform_at_every_position(length: int) -> None:
    words = GroupWords("A5", length, 30_000).build(seed=5).inputs
    for k in range(length):
        assert stats.chisquare(np.bincount(words[:, k], minlength=60)).pvalue > 1e-5


def test_every_word_is_equally_likely() -> None:
    for count in (3, 7):  # by rejection, and by permutation of all nine
        hits = np.zeros(9)
        for seed in range(900):
            words = GroupWords("Z3", 2, count).build(seed).inputs
            hits[words @ [3, 1]] += 1
        assert abs(hits / 900 - count / 9).max() < 5 * np.sqrt(count / 9 * (1 - count / 9) / 900)


def test_products_of_uniform_words_are_uniform() -> None:
    targets = GroupWords("A5", 20, 60_000).build(seed=2).targets
    assert stats.chisquare(np.bincount(targets[:, -1], minlength=60)).pvalue > 1e-5


def test_the_seed_decides_the_words() -> None:
    task = GroupWords("S5", 6, 500)
    first, again, other = task.build(1), task.build(1), task.build(2)
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.inputs.tobytes() != other.inputs.tobytes()


def test_auxiliary_words_are_all_of_length_two() -> None:
    auxiliary = GroupWords("A5", 20).auxiliary()
    assert auxiliary == GroupWords("A5", 2, 3600)
    assert len(auxiliary.build(0)) == 3600


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"group": "a5"}, ValueError, "did you mean 'A5'"),
        ({"group": "S8"}, ValueError, "at most order"),
        ({"length": 0}, ValueError, "length=0: expected an integer of at least"),
        ({"length": 2.5}, TypeError, "length=2.5: expected an integer"),
        ({"length": True}, TypeError, "length=True: expected an integer"),
        ({"num_words": 0}, ValueError, "num_words=0: expected an integer of at least"),
    ],
)
def test_bad_options_are_refused_at_construction(
    options: dict, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        GroupWords(**options)


def test_bad_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="seed=-1: expected an integer of at least"):
        GroupWords("Z3", 4, 5).build(-1)
    with pytest.raises(TypeError, match="seed=None: expected an integer"):
        GroupWords("Z3", 4, 5).build(None)  # pyright: ignore[reportArgumentType]


def test_words_that_cannot_fit_are_refused_before_any_is_drawn() -> None:
    with pytest.raises(MemoryError, match="num_words=1,000,000,000,000 of length=20 needs about"):
        GroupWords("A5", 20, 10**12).build(0)


def test_word_lengths_that_cannot_fit_are_refused_at_once() -> None:
    with pytest.raises(MemoryError, match="num_words=2 of length=1,000,000,000,000 needs about"):
        GroupWords("A5", 10**12, 2).build(0)


@pytest.mark.parametrize("length", [63, 64, 65, 200])
def test_long_words_over_few_tokens_are_distinct(length: int) -> None:
    data = GroupWords("Z2", length, 50).build(0)
    assert data.inputs.shape == (50, length)
    assert distinct(data.inputs) == 50
