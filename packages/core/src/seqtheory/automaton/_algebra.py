"""The transition monoid of an automaton, closed under products, and the groups inside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.automaton._automaton import Automaton, checked_letters
from seqtheory.checks import require_integer
from seqtheory.group import MAX_ORDER, Group, index_dtype
from seqtheory.group._axioms import span

if TYPE_CHECKING:
    from jaxtyping import Integer


@dataclass(frozen=True)
class Algebra:
    r"""The transition monoid of a minimal automaton: the maps that words induce on its states.

    Parameters
    ----------
    order
        Number of different maps, including the identity, which is the map of the empty word.
    num_states
        Number of states of the minimal automaton.
    letters
        Number of each letter's map; 0 is the identity.
    letter_periods
        Period of each letter x: the least p with :math:`x^{k+p} = x^k` for some k. In a group
        this is the order of x.
    exponent
        Least common multiple of the periods of all maps.
    is_group
        Whether every map is invertible.
    is_abelian
        Whether all maps commute.
    is_reset
        Whether every letter either does nothing or sends all states to one (a flip-flop).
    groups
        The non-trivial maximal subgroups: for each idempotent map e, the largest group of maps
        whose identity is e. If the monoid is a group, this is that group alone, with elements
        numbered as the maps are.

    Notes
    -----
    A monoid is *aperiodic* if all groups in it are trivial, and *solvable* if all groups in it are
    solvable (Straubing, Finite Automata, Formal Logic and Circuit Complexity, 1994, chapter V). For
    a group, solvable has its usual meaning.
    """

    order: int
    num_states: int
    letters: tuple[int, ...]
    letter_periods: tuple[int, ...]
    exponent: int
    is_group: bool
    is_abelian: bool
    is_reset: bool
    groups: tuple[Group, ...] = field(compare=False, repr=False)

    @property
    def is_aperiodic(self) -> bool:
        """Whether all groups in the monoid are trivial."""
        return self.exponent == 1

    @cached_property
    def is_solvable(self) -> bool:
        """Whether all groups in the monoid are solvable."""
        return all(inner.is_solvable for inner in self.groups)

    @cached_property
    def derived_length(self) -> int | None:
        """Longest derived series of a group in the monoid; 0 if aperiodic, None if unsolvable."""
        if not self.is_solvable:
            return None
        return max((len(inner.derived_series) - 1 for inner in self.groups), default=0)


def algebra_of(automaton: Automaton, max_order: int = MAX_ORDER) -> Algebra:
    """Compute the transition monoid of an automaton.

    Parameters
    ----------
    automaton
        The automaton. It is minimised first, so that the result depends only on its outputs (it is
        the syntactic monoid) and not on how many equivalent states it has.
    max_order
        Largest number of elements to compute.

    Raises
    ------
    ValueError
        If the letters generate more than `max_order` maps.

    Notes
    -----
    Costs O(order * letters * states) for the closure and O(order^2) for the multiplication table.

    Examples
    --------
    >>> parity = algebra_of(Automaton(((0, 1), (1, 0))))
    >>> parity.order, parity.is_group, parity.is_aperiodic, parity.exponent
    (2, True, False, 2)
    """
    require_integer("max_order", max_order, minimum=1)
    return _algebra_of(automaton, max_order)


def group_algebra(structure: Group, letters: Sequence[int] | None = None) -> Algebra:
    """Compute the algebra of running products over chosen letters: the group that they generate.

    Parameters
    ----------
    structure
        The group.
    letters
        Group element that each letter stands for; None takes all elements.

    Examples
    --------
    >>> from seqtheory.group import group
    >>> group_algebra(group("S3"), letters=(3,)).order  # a three-cycle alone
    3
    """
    if letters is None:
        return _from_table(structure.table, range(structure.order), structure.order, False)
    chosen = checked_letters(structure, letters)
    members, _ = span(structure.table, np.array([structure.identity, *chosen]))
    members = np.array([structure.identity, *members[members != structure.identity].tolist()])
    table, number = _subtable(structure.table, members)
    return _from_table(table, number[chosen].tolist(), len(members), False)


@lru_cache(maxsize=64)
def _algebra_of(automaton: Automaton, max_order: int) -> Algebra:
    least = automaton.minimal()
    maps = np.ascontiguousarray(least.table.T.astype(index_dtype(least.num_states)))
    elements, index, generators = _closure(maps, max_order)
    table = _multiplication(elements, index, generators)
    constant = (maps == maps[:, :1]).all(axis=1)
    idle = (maps == elements[0]).all(axis=1)
    letters = [index[row.tobytes()] for row in maps]
    return _from_table(table, letters, least.num_states, bool((constant | idle).all()))


def _closure(
    maps: Integer[np.ndarray, "letter state"], max_order: int
) -> tuple[
    Integer[np.ndarray, "order state"], dict[bytes, int], list[Integer[np.ndarray, " state"]]
]:
    """All products of the maps, the identity first, and the distinct letters that generate them."""
    identity = np.arange(maps.shape[1], dtype=maps.dtype)
    rows, index = [identity], {identity.tobytes(): 0}
    generators: list[Integer[np.ndarray, " state"]] = []
    for letter in maps:
        if letter.tobytes() in index:
            continue
        generators.append(letter)
        frontier = np.array(rows)
        while len(frontier):
            known = len(rows)
            for row in np.concatenate([g[frontier] for g in generators]):
                if row.tobytes() not in index:
                    index[row.tobytes()] = len(rows)
                    rows.append(row)
            if len(rows) > max_order:
                raise ValueError(
                    f"the {len(maps)} letters make more than {max_order} maps of {maps.shape[1]} "
                    "states. Raise max_order, or take fewer letters or a smaller automaton."
                )
            frontier = np.array(rows[known:])
    return np.array(rows), index, generators


def _multiplication(
    elements: Integer[np.ndarray, "order state"],
    index: dict[bytes, int],
    generators: list[Integer[np.ndarray, " state"]],
) -> Integer[np.ndarray, "order order"]:
    """``table[a, b]``: first a, then b; each column follows from an earlier one by a letter."""
    right = [np.array([index[row.tobytes()] for row in g[elements]]) for g in generators]
    columns = np.empty((len(elements), len(elements)), dtype=np.int32)
    columns[0] = np.arange(len(elements))
    known, queue = {0}, [0]
    for y in queue:  # grows while it is walked
        for step in right:
            z = int(step[y])
            if z not in known:
                columns[z] = step[columns[y]]
                known.add(z)
                queue.append(z)
    return np.ascontiguousarray(columns.T)


def _from_table(
    table: Integer[np.ndarray, "order order"],
    letters: Sequence[int],
    num_states: int,
    is_reset: bool,
) -> Algebra:
    idempotents, periods = _powers(table)
    is_group = bool((idempotents == 0).all()) and bool((table[0] == np.arange(len(table))).all())
    return Algebra(
        order=len(table),
        num_states=num_states,
        letters=tuple(int(x) for x in letters),
        letter_periods=tuple(periods[as_array(letters)].tolist()),
        exponent=math.lcm(*np.unique(periods).tolist()),
        is_group=is_group,
        is_abelian=bool(np.array_equal(table, table.T)),
        is_reset=is_reset or len(table) == 1,
        groups=tuple(_groups(table, idempotents)),
    )


def _powers(
    table: Integer[np.ndarray, "order order"],
) -> tuple[Integer[np.ndarray, " order"], Integer[np.ndarray, " order"]]:
    """Find the idempotent among the powers of each element, and the period of those powers."""
    elements = np.arange(len(table))
    idempotents = np.full(len(table), -1)
    power = elements
    while (idempotents < 0).any():
        found = (table[power, power] == power) & (idempotents < 0)
        idempotents[found] = power[found]
        power = table[power, elements]
    core = table[idempotents, elements]  # the group element that x acts as from some power on
    periods = np.zeros(len(table), dtype=np.int64)
    power, count = core, 1
    while not periods.all():
        periods[(power == idempotents) & (periods == 0)] = count
        power, count = table[power, core], count + 1
    return idempotents, periods


def _groups(
    table: Integer[np.ndarray, "order order"], idempotents: Integer[np.ndarray, " order"]
) -> list[Group]:
    inside = table[idempotents, np.arange(len(table))] == np.arange(len(table))
    groups: list[Group] = []
    for e in np.unique(idempotents).tolist():
        members = np.flatnonzero(inside & (idempotents == e))
        if len(members) > 1:
            groups.append(Group(f"group at {e}", _subtable(table, members)[0]))
    return groups


def _subtable(
    table: Integer[np.ndarray, "order order"], members: Integer[np.ndarray, " member"]
) -> tuple[Integer[np.ndarray, "member member"], Integer[np.ndarray, " order"]]:
    """Products of the members, and the new number of each."""
    number = np.full(len(table), -1)
    number[members] = np.arange(len(members))
    return number[table[np.ix_(members, members)]], number
