"""Tasks on tokens: one contract for all, and labels found again by an independent route."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from seqtheory.automaton import Automaton, algebra_of, group_automaton
from seqtheory.group import group
from seqtheory.tasks import (
    Copying,
    CycleNavigation,
    EvenPairs,
    FiniteAutomaton,
    GroupWords,
    ModularArithmetic,
    ModularCounting,
    MultiQueryRecall,
    Parity,
    SelectiveCopying,
    Sequences,
    TokenTask,
)

DRAWN: list[Sequences] = [
    Parity(num_sequences=300),
    ModularCounting(3, num_sequences=300),
    EvenPairs(num_sequences=300),
    CycleNavigation(num_sequences=300),
    ModularArithmetic(num_sequences=300),
    ModularArithmetic(7, precedence=False, operators="*-", num_sequences=300),
    ModularArithmetic(brackets=True, min_length=1, num_sequences=300),
    FiniteAutomaton(group_automaton(group("S3"), (1, 2)), num_sequences=300),
    Copying(num_sequences=300),
    MultiQueryRecall(num_sequences=300),
    MultiQueryRecall(2, gap_power=0.01, num_sequences=300),
    SelectiveCopying(num_memorised=4, num_sequences=300),
]
TASKS: list[TokenTask] = [
    *DRAWN,
    GroupWords("A5", 12, 300),
    GroupWords("S5", 12, 300, letters="swaps"),
    GroupWords("S4", 12, 300, tokens_per_letter=4),
]
tasks = pytest.mark.parametrize("task", TASKS, ids=repr)


def steps(task: TokenTask, length: int) -> int:
    """Tokens of a sequence of that length."""
    if isinstance(task, SelectiveCopying):
        return length + task.num_memorised
    return length * (2 if isinstance(task, Copying) else getattr(task, "tokens_per_letter", 1))


@tasks
def test_every_task_keeps_the_contract(task: TokenTask) -> None:
    assert isinstance(task, TokenTask)
    data = task.build(seed=3)
    assert len(data) == task.num_sequences == 300
    assert data.inputs.shape == data.targets.shape
    assert data.inputs.dtype.kind == data.targets.dtype.kind == "u"
    assert data.inputs.max() == task.num_tokens - 1
    whole = np.ones(data.inputs.shape, dtype=bool)
    counted = whole if data.counted is None else data.counted
    mask = whole if data.mask is None else data.mask
    assert (mask[:, 1:] <= mask[:, :-1]).all()  # padding at the end
    assert not data.inputs[~mask].any()
    assert data.scored is None or (data.scored <= mask).all()
    assert counted.any(axis=1).all()
    assert data.targets[counted].max() == task.num_classes - 1
    assert not data.targets[~counted].any()
    assert data.mask is None or not data.mask.all()
    assert data.scored is None or (data.scored != mask).any()


@tasks
def test_the_seed_decides_every_byte(task: TokenTask) -> None:
    first, again, other = task.build(1), task.build(1), task.build(2)
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.targets.tobytes() == again.targets.tobytes()
    assert first.inputs.tobytes() != other.inputs.tobytes()


@tasks
def test_a_task_at_one_length_has_sequences_of_that_length(task: TokenTask) -> None:
    for length in (12, 57):
        longer = task.at_length(length, num_sequences=20)
        data = longer.build(0)
        assert data.inputs.shape == (20, steps(task, length))
        assert (longer.num_tokens, longer.num_classes) == (task.num_tokens, task.num_classes)
        assert longer.algebra == task.algebra
        assert data.mask is None
        if data.scored is not None and getattr(task, "gap_power", None) is None:
            # some sequence counts to its very end, or to the last digit
            assert data.scored[:, -2:].any()


@pytest.mark.parametrize("task", DRAWN, ids=repr)
def test_lengths_are_uniform_over_their_range(task: Sequences) -> None:
    wide = replace(task, min_length=9, max_length=12, num_sequences=4000)
    mask = wide.build(0).mask
    assert mask is not None
    assert mask.shape[1] == steps(task, 12)
    counts = [(mask.sum(axis=1) == steps(task, length)).sum() for length in range(9, 13)]
    assert sum(counts) == 4000
    assert stats.chisquare(counts).pvalue > 1e-5


@pytest.mark.parametrize(
    "task", [Parity(), EvenPairs(), CycleNavigation(), FiniteAutomaton()], ids=repr
)
def test_letters_are_uniform_at_every_position(task: Sequences) -> None:
    words = task.at_length(6, num_sequences=20_000).build(5).inputs
    for k in range(6):
        assert stats.chisquare(np.bincount(words[:, k], minlength=task.num_tokens)).pvalue > 1e-5


def rows(task: TokenTask, seed: int = 0) -> list[tuple[list[int], list[int], list[bool]]]:
    data = task.build(seed)
    mask = np.ones(data.inputs.shape, dtype=bool) if data.counted is None else data.counted
    return list(zip(data.inputs.tolist(), data.targets.tolist(), mask.tolist(), strict=True))


@pytest.mark.parametrize("modulus", [2, 3, 12])
def test_counting_counts_the_ones(modulus: int) -> None:
    task = Parity() if modulus == 2 else ModularCounting(modulus)
    for word, targets, mask in rows(replace(task, num_sequences=200)):
        length = sum(mask)
        assert all(mask[:length])
        assert not any(word[length:])
        assert targets[:length] == [sum(word[: k + 1]) % modulus for k in range(length)]


def test_even_pairs_counts_pairs_of_different_letters() -> None:
    for word, targets, mask in rows(EvenPairs(num_sequences=200)):
        text = "".join(map(str, word))
        for k in range(sum(mask)):
            odd = len(re.findall("(?=01|10)", text[: k + 1])) % 2
            assert targets[k] == 1 - odd


@pytest.mark.parametrize("cycle", [2, 5, 8])
def test_navigation_adds_the_steps(cycle: int) -> None:
    for word, targets, mask in rows(CycleNavigation(cycle, num_sequences=200)):
        place = np.cumsum([(0, 1, -1)[x] for x in word]) % cycle
        assert targets[: sum(mask)] == place[: sum(mask)].tolist()


def test_conventions_of_the_source_are_ours_renamed() -> None:
    """There the class of even pairs says odd, and letters less one are the steps on the ring."""
    pairs = FiniteAutomaton(EvenPairs().automaton.renamed(outputs=(1, 0)), num_sequences=200)
    for word, targets, mask in rows(pairs):
        text = "".join(map(str, word))
        for k in range(sum(mask)):
            assert targets[k] == len(re.findall("(?=01|10)", text[: k + 1])) % 2
    ring = CycleNavigation().automaton.renamed(letters=(1, 2, 0))
    for word, targets, mask in rows(FiniteAutomaton(ring, num_sequences=200)):
        place = np.cumsum(np.array(word) - 1) % 5
        assert targets[: sum(mask)] == place[: sum(mask)].tolist()


@pytest.mark.parametrize("modulus", [2, 5, 12])
@pytest.mark.parametrize("operators", ["+-*", "-+", "*"])
def test_expressions_have_the_value_that_python_gives(modulus: int, operators: str) -> None:
    task = ModularArithmetic(modulus, operators=operators, min_length=1, num_sequences=150)
    for word, targets, mask in rows(task):
        for k in np.flatnonzero(mask).tolist():
            assert k % 2 == 0
            text = "".join(task.vocabulary[x] for x in word[: k + 1])
            assert targets[k] == eval(text) % modulus, text


@pytest.mark.parametrize("modulus", [2, 5])
def test_without_precedence_expressions_are_read_from_left_to_right(modulus: int) -> None:
    task = ModularArithmetic(modulus, precedence=False, num_sequences=150)
    for word, targets, mask in rows(task):
        value = word[0]
        for k in range(2, int(np.flatnonzero(mask)[-1]) + 1, 2):
            value = eval(f"{value}{task.vocabulary[word[k - 1]]}{word[k]}")
            assert targets[k] == value % modulus


@pytest.mark.parametrize(("modulus", "operators"), [(5, "+-*"), (3, "+-"), (12, "-")])
def test_brackets_have_the_value_that_python_gives(modulus: int, operators: str) -> None:
    task = ModularArithmetic(modulus, True, operators, min_length=1, num_sequences=400)
    lengths = set()
    for word, targets, mask in rows(task):
        (last,) = np.flatnonzero(mask).tolist()
        tokens = [task.vocabulary[x] for x in word[: last + 1]]
        assert targets[last] == eval("".join(tokens)) % modulus, "".join(tokens)
        lengths.add(len(tokens))
        if len(tokens) >= 3:  # the brackets at the two ends belong together
            assert (tokens[0], tokens[-1]) == ("(", ")")
    assert lengths == set(range(1, 41))


def test_expressions_reject_what_is_none() -> None:
    task = ModularArithmetic(5)
    one, plus = 1, task.vocabulary.index("+")
    for bad in ([one, one], [plus], [one, plus, plus]):
        dead = task.automaton.read(np.array([[*bad, one, plus, one]]))
        assert (dead[0, len(bad) - 1 :] == task.modulus).all()


def test_copies_are_the_string() -> None:
    for word, targets, mask in rows(Copying(5, num_sequences=300)):
        length = sum(mask)
        assert mask == [length <= k < 2 * length for k in range(len(mask))]
        assert targets[length : 2 * length] == word[:length]
        assert word[length : 2 * length] == [5] * length
        assert max(word[:length]) < 5


def test_recall_answers_with_the_value_told() -> None:
    task = MultiQueryRecall(5, 7, 6, num_sequences=300)
    for word, targets, mask in rows(task):
        told = dict(zip(word[0:10:2], word[1:10:2], strict=True))
        assert len(told) == 5
        assert max(told) < 7 <= min(told.values())
        assert not any(mask[:10])
        assert sum(mask) >= 2
        assert all(targets[k] == told[word[k]] - 7 for k in np.flatnonzero(mask).tolist())


def test_recall_by_the_published_rules_tells_distinct_values_and_asks_each_key_once() -> None:
    lengths: dict[str, Any] = {"min_length": 9, "max_length": 12, "num_sequences": 2_000}
    task = MultiQueryRecall(4, 6, 5, **lengths, distinct_values=True, each_once=True)
    orders = set()
    for word, targets, mask in rows(task):
        told = dict(zip(word[0:8:2], word[1:8:2], strict=True))
        asked = [word[k] for k in np.flatnonzero(mask).tolist()]
        assert len(set(told.values())) == 4
        assert len(set(asked)) == len(asked)
        assert all(targets[k] == told[word[k]] - 6 for k in np.flatnonzero(mask).tolist())
        if len(asked) == 4:
            orders.add(tuple(list(told).index(key) for key in asked))
    assert len(orders) == 24


def test_recall_repeats_values_and_keys_unless_it_is_told_otherwise() -> None:
    task = MultiQueryRecall(4, 6, 5, min_length=12, max_length=12, num_sequences=200)
    data = task.build(seed=0)
    assert any(len(set(row)) < 4 for row in data.inputs[:, 1:8:2].tolist())
    assert any(len(set(row)) < 4 for row in data.inputs[:, 8:].tolist())


def test_classes_of_even_pairs_and_letters_of_the_ring_are_those_the_page_says() -> None:
    """Of the source's code: 1 for an odd number of unequal neighbours; back, stay, on."""
    words = np.random.default_rng(0).integers(0, 2, (50, 20))
    changes = (words[:, 1:] != words[:, :-1]).sum(axis=1)
    assert np.array_equal(1 - EvenPairs().automaton.read(words)[:, -1], changes % 2)
    letters = np.random.default_rng(0).integers(0, 3, (50, 20))
    place = (letters - 1).sum(axis=1) % 5
    assert np.array_equal(CycleNavigation().automaton.read((letters - 1) % 3)[:, -1], place)


def test_every_choice_of_keys_is_equally_likely() -> None:
    task = MultiQueryRecall(2, 4, 3, min_length=5, max_length=5, num_sequences=24_000)
    words = task.build(0).inputs
    pairs = np.bincount(words[:, 0] * 4 + words[:, 2], minlength=16).reshape(4, 4)
    assert not pairs.diagonal().any()
    assert stats.chisquare(pairs[~np.eye(4, dtype=bool)]).pvalue > 1e-5
    assert stats.chisquare(np.bincount(words[:, 1])[4:]).pvalue > 1e-5


def test_swaps_are_the_permutations_that_move_two_points_at_most() -> None:
    task = GroupWords("S5", 8, 200, letters="swaps")
    assert task.num_letters == 11
    assert task.algebra.order == 120
    names = group("S5").elements
    moved = [sum(a != b for a, b in zip(name, "12345", strict=True)) for name in names]
    swaps = [[int(x) - 1 for x in names[i]] for i in range(120) if moved[i] <= 2]
    data = task.build(0)
    for word, targets in zip(data.inputs.tolist(), data.targets.tolist(), strict=True):
        places = list(range(5))
        for letter, target in zip(word, targets, strict=True):
            places = [places[i] for i in swaps[letter]]  # a b is a after b
            assert names[target] == "".join(str(i + 1) for i in places)


def test_letters_may_have_several_tokens() -> None:
    plain, spread = GroupWords("A5", 6, 100), GroupWords("A5", 6, 100, tokens_per_letter=4)
    short, long = plain.build(7), spread.build(7)
    assert long.inputs.shape == (100, 24)
    assert spread.num_tokens == 61
    assert np.array_equal(long.inputs[:, ::4], short.inputs)
    assert (np.delete(long.inputs, np.s_[::4], axis=1) == 60).all()
    assert long.mask is None
    assert long.scored is not None
    assert (long.scored == (np.arange(24) % 4 == 3)).all()
    assert np.array_equal(long.targets[:, 3::4], short.targets)


def test_words_of_chosen_letters_are_distinct_and_all_listed_where_few() -> None:
    task = GroupWords("S4", 5, 10**6, letters=(1, 9))
    data = task.build(0)
    assert len(data) == task.num_sequences == 32
    assert len(np.unique(data.inputs, axis=0)) == 32
    elements = np.array([1, 9])[data.inputs]
    assert np.array_equal(data.targets, group("S4").running_products(elements))


def facts(task: TokenTask) -> tuple[bool, bool, bool, bool, int]:
    algebra = task.algebra
    assert algebra is not None
    return (
        algebra.is_group,
        algebra.is_solvable,
        algebra.is_aperiodic,
        algebra.is_abelian,
        algebra.exponent,
    )


def test_the_algebra_of_each_task_is_the_known_one() -> None:
    assert facts(Parity()) == (True, True, False, True, 2)
    assert facts(ModularCounting(12)) == (True, True, False, True, 12)
    assert facts(CycleNavigation(5)) == (True, True, False, True, 5)
    assert facts(EvenPairs()) == (False, True, True, False, 1)
    assert facts(GroupWords("A5", 4, 10)) == (True, False, False, False, 30)
    assert facts(GroupWords("S5", 4, 10, letters="swaps")) == (True, False, False, False, 60)
    assert facts(FiniteAutomaton()) == (False, True, True, False, 1)
    # with precedence: x -> x + b and p -> a p, from left to right: x -> a x + b
    simple, left = ModularArithmetic(5), ModularArithmetic(5, precedence=False)
    assert facts(simple) == (False, True, False, False, 20)
    assert {g.order for g in algebra_of(simple.automaton).groups} == {4, 5}
    inner = algebra_of(left.automaton).groups
    assert {(g.order, g.is_abelian) for g in inner} == {(20, False)}
    # four tokens per letter: no token repeats, but letters, as words, still make the group
    spelt = GroupWords("S3", 4, 10, tokens_per_letter=4).algebra
    assert max(spelt.letter_periods) == 1
    assert {(g.order, g.is_abelian) for g in spelt.groups} == {(6, False)}
    assert ModularArithmetic(brackets=True).algebra is None
    assert Copying().algebra is None
    assert MultiQueryRecall().algebra is None
    assert SelectiveCopying().algebra is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Parity(min_length=5, max_length=4), ValueError, "min_length=5 exceeds"),
        (lambda: Parity(min_length=0), ValueError, "min_length=0: expected an integer of at least"),
        (
            lambda: replace(Parity(), num_sequences=1.5),
            TypeError,
            "num_sequences=1.5: expected",
        ),
        (lambda: ModularCounting(1), ValueError, "modulus=1: expected an integer of at least"),
        (lambda: CycleNavigation(1), ValueError, "cycle=1: expected an integer of at least"),
        (lambda: ModularArithmetic(operators="+/"), ValueError, r"operators='\+/', expected"),
        (lambda: ModularArithmetic(operators="++"), ValueError, "each once"),
        (lambda: ModularArithmetic(5, True, "+*"), ValueError, "lack '-'"),
        (lambda: ModularArithmetic(5, True).automaton, ValueError, "brackets of every depth"),
        (lambda: FiniteAutomaton(((0,),)), TypeError, "expected an Automaton"),  # pyright: ignore
        (lambda: Copying(1), ValueError, "num_symbols=1: expected an integer of at least"),
        (lambda: MultiQueryRecall(9, 8), ValueError, "num_pairs=9 need"),
        (
            lambda: MultiQueryRecall(4, 8, 3, distinct_values=True),
            ValueError,
            "need as many distinct values",
        ),
        (
            lambda: MultiQueryRecall(4, each_once=True),
            ValueError,
            "max_length=40 has more queries than 4 pairs",
        ),
        (
            lambda: MultiQueryRecall(distinct_values="no"),  # pyright: ignore[reportArgumentType]
            TypeError,
            "expected True or False",
        ),
        (lambda: MultiQueryRecall(6, 8), ValueError, "leaves no query"),
        (lambda: MultiQueryRecall().at_length(8), ValueError, "must be at least 9"),
        (lambda: GroupWords("A5", letters="swaps"), ValueError, "needs a symmetric group"),
        (lambda: GroupWords("A5", letters="odd"), ValueError, "letters='odd': expected 'elements'"),
        (lambda: GroupWords("Z3", letters=(0, 3)), ValueError, "letters hold 3"),
        (lambda: GroupWords("Z3", tokens_per_letter=0), ValueError, "tokens_per_letter=0"),
        (lambda: Parity().build(-1), ValueError, "seed=-1: expected an integer of at least"),
        (lambda: Parity(num_sequences=10**13).build(0), MemoryError, "needs about"),
    ],
)
def test_bad_options_are_refused(make, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_an_automaton_task_reads_by_its_own_table() -> None:
    latch = Automaton(((0, 0, 1), (1, 0, 1)))
    for word, targets, mask in rows(FiniteAutomaton(latch, num_sequences=100)):
        kept = 0
        for k in range(sum(mask)):
            kept = (kept, 0, 1)[word[k]]
            assert targets[k] == kept
