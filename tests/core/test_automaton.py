"""Automata read words letter by letter; their algebra agrees with algebra done another way."""

from __future__ import annotations

from itertools import product
from math import comb, factorial, lcm
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtheory.automaton import Algebra, Automaton, algebra_of, group_algebra, group_automaton
from seqtheory.group import from_permutations, group

few = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def automata(draw: st.DrawFn, most: int = 5) -> Automaton:
    states, letters = draw(st.integers(1, most)), draw(st.integers(1, 3))
    state = st.integers(0, states - 1)
    table = draw(st.lists(st.tuples(*[state] * letters), min_size=states, max_size=states))
    outputs = draw(st.lists(st.integers(0, 2), min_size=states, max_size=states))
    return Automaton(tuple(table), tuple(outputs), draw(state))


def closure(automaton: Automaton) -> set[tuple[int, ...]]:
    """All maps that words make, as plain tuples."""
    letters = list(zip(*automaton.transitions, strict=True))
    known = {tuple(range(automaton.num_states))}
    while True:
        more = known | {tuple(f[q] for q in word) for word in known for f in letters}
        if more == known:
            return known
        known = more


@given(automata(), st.integers(0, 99))
@few
def test_words_are_read_letter_by_letter(automaton: Automaton, seed: int) -> None:
    words = np.random.default_rng(seed).integers(0, automaton.num_letters, (7, 12))
    states, outputs = automaton.run(words), automaton.read(words)
    for row, word in enumerate(words.tolist()):
        state = automaton.start
        for k, letter in enumerate(word):
            state = automaton.transitions[state][letter]
            assert (states[row, k], outputs[row, k]) == (state, automaton.outputs[state])


@given(automata(), st.randoms(use_true_random=False))
@few
def test_other_names_of_letters_and_outputs_leave_the_runs_as_they_are(
    automaton: Automaton, random: Random
) -> None:
    letters, outputs = list(range(automaton.num_letters)), list(range(automaton.num_outputs))
    random.shuffle(letters)
    random.shuffle(outputs)
    words = np.random.default_rng(random.randrange(100)).integers(0, automaton.num_letters, (7, 12))
    renamed = automaton.renamed(letters, outputs)
    assert np.array_equal(
        renamed.read(np.array(letters)[words]), np.array(outputs)[automaton.read(words)]
    )
    assert automaton.renamed() == automaton


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"letters": (0, 0)}, r"expected each of 0..1 once"),
        ({"letters": (0, 1, 2)}, r"expected each of 0..1 once"),
        ({"outputs": (1,)}, r"outputs=\(1,\), expected 2 numbers"),
        ({"outputs": (1, -1)}, "integers of at least 0"),
    ],
)
def test_names_that_are_none_are_refused(changes: dict[str, tuple[int, ...]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Automaton(((0, 1), (1, 0))).renamed(**changes)


@given(automata())
@few
def test_the_least_automaton_reads_alike_and_no_two_of_its_states_do(automaton: Automaton) -> None:
    least = automaton.minimal()
    longest = automaton.num_states
    words = [w for k in range(1, longest + 1) for w in product(range(least.num_letters), repeat=k)]
    for word in words:
        letters = np.array([word])
        assert np.array_equal(least.read(letters), automaton.read(letters))
    starts = [Automaton(least.transitions, least.outputs, q) for q in range(least.num_states)]
    read = {(s.outputs[s.start], *(s.read(np.array([w]))[0, -1] for w in words)) for s in starts}
    assert len(read) == least.num_states <= automaton.num_states


@given(automata(4))
@few
def test_the_monoid_is_the_closure_of_the_letters(automaton: Automaton) -> None:
    least, algebra = automaton.minimal(), algebra_of(automaton)
    maps = closure(least)
    identity = tuple(range(least.num_states))

    def then(f: tuple[int, ...], g: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(g[q] for q in f)

    def period(f: tuple[int, ...]) -> int:
        seen = [f]
        while (power := then(seen[-1], f)) not in seen:
            seen.append(power)
        return len(seen) - seen.index(power)

    assert algebra.order == len(maps)
    assert algebra.is_abelian == all(then(f, g) == then(g, f) for f in maps for g in maps)
    assert algebra.is_group == all(len(set(f)) == least.num_states for f in maps)
    assert algebra.exponent == lcm(*map(period, maps))
    letters = list(zip(*least.transitions, strict=True))
    assert algebra.letter_periods == tuple(map(period, letters))
    assert algebra.is_reset == all(f == identity or len(set(f)) == 1 for f in letters)


@pytest.mark.parametrize("degree", [3, 4, 5])
def test_the_groups_inside_all_maps_of_n_points_are_symmetric(degree: int) -> None:
    cycle = [*range(1, degree), 0]
    swap, merge = [1, 0, *range(2, degree)], [0, 0, *range(2, degree)]
    algebra = algebra_of(Automaton(tuple(zip(cycle, swap, merge, strict=True))))
    # an idempotent of rank r fixes r points and sends the others to them; its group is S_r
    expected = sorted(
        factorial(r)
        for r in range(2, degree + 1)
        for _ in range(comb(degree, r) * r ** (degree - r))
    )
    assert algebra.order == degree**degree
    assert sorted(inner.order for inner in algebra.groups) == expected
    assert algebra.exponent == lcm(*range(1, degree + 1))
    assert algebra.is_solvable == (degree < 5)
    assert algebra.derived_length == {3: 2, 4: 3, 5: None}[degree]
    assert not algebra.is_group
    assert not algebra.is_aperiodic


@pytest.mark.parametrize("name", ["Z1", "Z6", "S3", "D4", "A4", "A4_x_Z5", "A5"])
def test_the_algebra_of_a_group_is_the_group(name: str) -> None:
    structure = group(name)
    for algebra in (algebra_of(group_automaton(structure)), group_algebra(structure)):
        assert algebra.order == algebra.num_states == structure.order
        assert algebra.is_group
        assert algebra.is_abelian == structure.is_abelian
        assert algebra.is_solvable == structure.is_solvable
        assert algebra.is_aperiodic == (structure.order == 1)
        assert algebra.letter_periods == tuple(structure.element_orders.tolist())
        assert algebra.exponent == lcm(*structure.element_orders.tolist())
        for inner in algebra.groups:
            assert inner.derived_series == structure.derived_series


@given(st.lists(st.integers(0, 23), min_size=1, max_size=3))
@few
def test_letters_generate_the_group_that_permutations_generate(letters: list[int]) -> None:
    structure = group("S4")
    points = [tuple(int(x) - 1 for x in structure.elements[i]) for i in letters]
    expected = from_permutations(points)
    algebra = group_algebra(structure, letters)
    twin = algebra_of(group_automaton(structure, letters))
    assert algebra.order == twin.order == expected.order
    assert algebra.derived_length == twin.derived_length == len(expected.derived_series) - 1
    assert algebra.letter_periods == twin.letter_periods
    assert sorted(algebra.groups[0].element_orders if algebra.groups else [1]) == sorted(
        expected.element_orders
    )


def test_states_that_no_word_reaches_or_tells_apart_do_not_count() -> None:
    parity = Automaton(((0, 1), (1, 0)))
    doubled = Automaton(((2, 1), (3, 0), (0, 3), (1, 2), (4, 0)), outputs=(0, 1, 0, 1, 1))
    assert doubled.minimal().num_states == 2
    assert algebra_of(doubled) == algebra_of(parity)


def test_a_monoid_beyond_the_limit_is_refused() -> None:
    full = Automaton(((1, 1), (2, 0), (3, 2), (0, 3)))
    with pytest.raises(ValueError, match="2 letters make more than 20 maps of 4 states"):
        algebra_of(full, max_order=20)
    assert isinstance(algebra_of(full, max_order=24), Algebra)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"transitions": ((0, 2), (1, 0))}, ValueError, "transitions hold 2, which is no state"),
        ({"transitions": ((0.5,),)}, TypeError, "dtype float64, expected integers"),
        ({"transitions": ()}, TypeError, "shape \\(0,\\)"),
        ({"transitions": ((0,),), "start": 1}, ValueError, "start hold 1, which is no state"),
        ({"transitions": ((0,),), "outputs": (0, 1)}, ValueError, "expected 1 integers"),
    ],
)
def test_bad_tables_are_refused(options: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Automaton(**options)


def test_bad_words_are_refused() -> None:
    latch = Automaton(((0, 0, 1), (1, 0, 1)))
    with pytest.raises(ValueError, match="words hold 3, which is no letter"):
        latch.run(np.array([[0, 3]]))
    with pytest.raises(TypeError, match=r"shape \(3,\)"):
        latch.run(np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="which is no element of Z3"):
        group_automaton(group("Z3"), letters=(3,))
