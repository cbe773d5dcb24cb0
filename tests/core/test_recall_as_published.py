"""Recall with gaps and filler, and selective copying: layout by a slow reading, laws by formula."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from seqtheory.dataset import Dataset
from seqtheory.plain import described, restored
from seqtheory.tasks import MultiQueryRecall, SelectiveCopying

PUBLISHED: dict[str, Any] = {"distinct_values": True, "each_once": True, "gap_power": 0.01}
SHORT: dict[str, Any] = {"min_length": 12, "max_length": 23, "num_sequences": 400}


def rows(data: Dataset) -> list[tuple[list[int], list[int], list[int]]]:
    """Inputs and targets without padding, and the scored places, of each sequence."""
    assert data.scored is not None
    mask = np.ones(data.inputs.shape, dtype=bool) if data.mask is None else data.mask
    ends = mask.sum(axis=1).tolist()
    assert not data.inputs[~mask].any()
    assert not data.targets[~data.scored].any()
    return [
        (word[:end], targets[:end], np.flatnonzero(scored).tolist())
        for word, targets, scored, end in zip(
            data.inputs.tolist(), data.targets.tolist(), data.scored, ends, strict=True
        )
    ]


def gaps(task: MultiQueryRecall, seed: int = 0) -> list[tuple[int, tuple[int, ...]]]:
    """Each sequence's number of free places, and the place at which each pair's key is asked."""
    found = []
    for word, _, scored in rows(task.build(seed)):
        told = 2 * task.num_pairs
        place = {word[k]: (k - told) // 2 for k in scored}
        found.append(((len(word) - told) // 2, tuple(place[key] for key in word[0:told:2])))
    return found


def law(free: int, chosen: int, power: float) -> dict[tuple[int, ...], float]:
    """Probability of each order of places, one draw after the other without replacement."""
    chances = {}
    for places in itertools.permutations(range(free), chosen):
        left, chance = set(range(free)), 1.0
        for g in places:
            chance *= (g + 1) ** (power - 1) / sum((h + 1) ** (power - 1) for h in left)
            left.remove(g)
        chances[places] = chance
    return chances


def follows(counts: dict[Any, int], chances: dict[Any, float]) -> bool:
    assert counts.keys() <= chances.keys()
    assert math.isclose(sum(chances.values()), 1.0)
    total = sum(counts.values())
    seen = [counts.get(case, 0) for case in chances]
    return stats.chisquare(seen, [total * p for p in chances.values()]).pvalue > 1e-5


def counted(cases: list[Any]) -> dict[Any, int]:
    return {case: cases.count(case) for case in set(cases)}


@pytest.mark.parametrize("filler", ["random", "blank"])
@pytest.mark.parametrize("once", [False, True])
def test_pairs_stand_first_and_queries_among_filler(once: bool, filler: Any) -> None:
    task = MultiQueryRecall(3, 6, 5, **SHORT, each_once=once, gap_power=0.5, filler=filler)
    assert (task.num_tokens, task.num_classes) == (12, 5)
    asked_twice = False
    for word, targets, scored in rows(task.build(2)):
        told = dict(zip(word[0:6:2], word[1:6:2], strict=True))
        assert len(told) == 3
        assert max(told) < 6 <= min(told.values())
        assert max(told.values()) < 11
        assert len(scored) == 3
        assert all(k >= 6 and k % 2 == 0 and k + 1 < len(word) for k in scored)
        assert all(targets[k] == told[word[k]] - 6 for k in scored)
        asked_twice |= len({word[k] for k in scored}) < 3
        if filler == "blank":
            assert [k for k in range(6, len(word)) if word[k] != 11] == scored
    assert asked_twice is not once


@pytest.mark.parametrize("power", [0.01, 0.5, 1])
def test_gaps_follow_the_power_law_among_the_places_left(power: float) -> None:
    task = MultiQueryRecall(3, 6, 5, each_once=True, gap_power=power, filler="blank", min_length=12)
    found = gaps(task.at_length(18, num_sequences=12_000))
    assert follows(counted([places for _, places in found]), law(6, 3, power))


def test_gaps_of_a_sequence_are_those_of_its_own_length() -> None:
    task = MultiQueryRecall(
        2, 4, 4, min_length=8, max_length=15, num_sequences=16_000, **PUBLISHED, filler="blank"
    )
    found = gaps(task)
    assert {free for free, _ in found} == {2, 3, 4, 5}
    for free in (2, 3, 4, 5):
        assert follows(counted([p for f, p in found if f == free]), law(free, 2, 0.01))


def test_places_do_not_depend_on_whether_keys_repeat() -> None:
    task = MultiQueryRecall(2, 4, 4, gap_power=0.01, filler="blank", min_length=8)
    found = rows(task.at_length(14, num_sequences=8_000).build(0))
    chances: dict[tuple[int, ...], float] = {}
    for places, chance in law(5, 2, 0.01).items():
        ordered = tuple(sorted(places))
        chances[ordered] = chances.get(ordered, 0.0) + chance
    seen = [tuple((k - 4) // 2 for k in scored) for _, _, scored in found]
    assert follows(counted(seen), chances)
    told = [word[0:4:2].index(word[scored[0]]) for word, _, scored in found]
    assert follows(counted(told), {0: 0.5, 1: 0.5})


def test_random_filler_is_uniform_over_the_whole_vocabulary() -> None:
    task = MultiQueryRecall(2, 4, 3, **PUBLISHED, min_length=8).at_length(20, num_sequences=3000)
    filler = [
        word[k] for word, _, scored in rows(task.build(0)) for k in range(4, 20) if k not in scored
    ]
    assert len(filler) == 3000 * 14
    assert follows(counted(filler), dict.fromkeys(range(8), 1 / 8))


def test_the_published_setting_has_the_published_counts() -> None:
    task = MultiQueryRecall(4, 4095, 4096, **PUBLISHED, min_length=64, max_length=64)
    task = replace(task, num_sequences=500)
    assert (task.num_tokens, task.num_classes) == (8192, 4096)
    data = task.build(0)
    assert data.inputs.shape == (500, 64)
    assert data.mask is None
    for word, _, scored in rows(data):
        keys, values = word[0:8:2], word[1:8:2]
        assert len(set(values)) == 4
        assert sorted(word[k] for k in scored) == sorted(keys)


def test_the_blank_of_the_largest_vocabulary_fits_its_type() -> None:
    most = {"num_keys": 2**30, "num_values": 2**30 - 1, **PUBLISHED, "filler": "blank"}
    task = MultiQueryRecall(3, min_length=12, max_length=12, num_sequences=2, **most)
    assert task.build(0).inputs.max() == task.num_tokens - 1 == 2**31 - 1


def test_the_same_seed_gives_the_same_bytes_and_filler_changes_no_query() -> None:
    task = MultiQueryRecall(3, 6, 5, **SHORT, **PUBLISHED)
    first, again = task.build(1), task.build(1)
    blank, other = replace(task, filler="blank").build(1), task.build(2)
    assert first.scored is not None
    assert blank.scored is not None
    assert first.inputs.tobytes() == again.inputs.tobytes() != other.inputs.tobytes()
    assert np.array_equal(first.scored, blank.scored)
    assert np.array_equal(first.targets, blank.targets)
    assert np.array_equal(first.inputs[first.scored], blank.inputs[first.scored])


def test_without_gaps_draws_and_descriptions_are_as_they_were() -> None:
    task = MultiQueryRecall(3, 5, 4, min_length=7, max_length=9, num_sequences=3)
    assert "gap_power" not in described(task)
    assert "filler" not in described(task)
    assert restored(described(task), MultiQueryRecall) == task
    gapped = MultiQueryRecall(3, **SHORT, **PUBLISHED, filler="blank")
    assert restored(described(gapped), MultiQueryRecall) == gapped
    drawn = replace(task, min_length=9).build(7).inputs
    assert drawn.tolist() == [
        [4, 5, 2, 8, 3, 5, 4, 3, 2],
        [2, 6, 4, 8, 1, 6, 4, 4, 4],
        [2, 6, 0, 6, 3, 7, 0, 0, 3],
    ]
    drawn = replace(task, distinct_values=True, each_once=True).build(7).inputs
    assert drawn.tolist() == [
        [3, 8, 1, 5, 2, 7, 3, 2, 1],
        [1, 5, 4, 8, 0, 6, 1, 0, 0],
        [2, 8, 0, 5, 4, 6, 2, 0, 4],
    ]


def test_selective_copies_are_the_symbols_without_the_blanks() -> None:
    task = SelectiveCopying(5, 4, min_length=4, max_length=30, num_sequences=500)
    assert (task.num_tokens, task.num_classes, task.algebra) == (7, 5, None)
    lengths = set()
    for word, targets, scored in rows(task.build(0)):
        first, markers = word[:-4], word[-4:]
        symbols = [token for token in first if token < 5]
        assert markers == [6] * 4
        assert len(symbols) == 4
        assert first.count(5) == len(first) - 4
        assert scored == list(range(len(first), len(word)))
        assert targets[-4:] == symbols
        lengths.add(len(first))
    assert lengths == set(range(4, 31))


def test_every_choice_of_places_is_equally_likely_at_each_length() -> None:
    task = SelectiveCopying(3, 2, min_length=4, max_length=6, num_sequences=9_000)
    words = [word[:-2] for word, _, _ in rows(task.build(0))]
    for length in (4, 5, 6):
        places = [tuple(k for k in range(length) if w[k] < 3) for w in words if len(w) == length]
        choices = list(itertools.combinations(range(length), 2))
        assert follows(counted(places), dict.fromkeys(choices, 1 / len(choices)))
    symbols = [tuple(token for token in w if token < 3) for w in words]
    pairs = itertools.product(range(3), repeat=2)
    assert follows(counted(symbols), dict.fromkeys(pairs, 1 / 9))


def test_a_longer_string_holds_as_many_symbols() -> None:
    data = SelectiveCopying().at_length(4096, num_sequences=3).build(0)
    assert data.inputs.shape == (3, 4096 + 16)
    assert data.mask is None
    assert data.inputs.max() == 15
    assert ((data.inputs < 14).sum(axis=1) == 16).all()
    assert data.scored is not None
    assert (data.scored == (np.arange(4112) >= 4096)).all()
    full = SelectiveCopying(num_memorised=9).at_length(9, num_sequences=50).build(0)
    assert np.array_equal(full.targets[:, 9:], full.inputs[:, :9])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MultiQueryRecall(3, gap_power=0.0), ValueError, r"expected a number in \(0, 1\]"),
        (lambda: MultiQueryRecall(3, gap_power=1.5), ValueError, r"expected a number in \(0, 1\]"),
        (lambda: MultiQueryRecall(3, gap_power=math.nan), ValueError, "gap_power=nan: expected"),
        (
            lambda: MultiQueryRecall(3, 2**30, 2**30, gap_power=0.1),
            ValueError,
            "num_values=1073741824: expected an integer of at least 1 and at most 1,073,741,823",
        ),
        (
            lambda: MultiQueryRecall(3, gap_power="steep"),  # pyright: ignore[reportArgumentType]
            TypeError,
            "gap_power='steep': expected a number",
        ),
        (lambda: MultiQueryRecall(3, gap_power=True), TypeError, "gap_power=True: expected"),
        (
            lambda: MultiQueryRecall(3, gap_power=0.1, filler="blanc"),  # pyright: ignore
            ValueError,
            "filler='blanc': expected one of random, blank; did you mean 'blank'",
        ),
        (lambda: MultiQueryRecall(3, filler="blank"), ValueError, "give gap_power"),
        (lambda: MultiQueryRecall(4, gap_power=0.1), ValueError, "it must be at least 16"),
        (
            lambda: MultiQueryRecall(3, gap_power=0.1).at_length(11),
            ValueError,
            "min_length=11 has no places for 3 pairs",
        ),
        (
            lambda: MultiQueryRecall(3, gap_power=0.1).at_length(10**9).build(0),
            MemoryError,
            "needs about",
        ),
        (lambda: SelectiveCopying(1), ValueError, "num_symbols=1: expected an integer of at least"),
        (lambda: SelectiveCopying(4, 0), ValueError, "num_memorised=0: expected an integer of at"),
        (
            lambda: SelectiveCopying(4, 2.0),  # pyright: ignore[reportArgumentType]
            TypeError,
            "num_memorised=2.0: expected an integer",
        ),
        (lambda: SelectiveCopying(4, 17), ValueError, "min_length=16 has no places for num_memor"),
        (lambda: SelectiveCopying().at_length(15), ValueError, "it must be at least 16"),
        (lambda: SelectiveCopying().at_length(10**9).build(0), MemoryError, "needs about"),
    ],
)
def test_what_has_no_place_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
