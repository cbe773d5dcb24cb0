"""A finite automaton with an output per state: its table, its runs, its minimal form."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from seqtheory._array import as_array
from seqtheory.checks import MOST_SYMBOLS, require_memory
from seqtheory.group import Group, index_dtype

if TYPE_CHECKING:
    from jaxtyping import Integer

_BLOCK_WORDS = 16_384


@dataclass(frozen=True)
class Automaton:
    r"""A deterministic automaton that writes an output after every letter (a Moore machine).

    .. math:: q_k = \mathrm{transitions}[q_{k-1}][x_k], \qquad y_k = \mathrm{outputs}[q_k]

    Parameters
    ----------
    transitions
        ``transitions[state][letter]`` is the next state; states and letters count from 0. Nested
        sequences and arrays are accepted and stored as tuples.
    outputs
        The output of each state, an integer of at least 0. If empty, the output of a state is its
        own number.
    start
        :math:`q_0`.

    Raises
    ------
    TypeError, ValueError
        If `transitions` is no (state, letter) table of state numbers, or an output or the start is
        out of range.

    Examples
    --------
    >>> parity = Automaton(((0, 1), (1, 0)))
    >>> parity.read(np.array([[1, 0, 1, 1]])).tolist()
    [[1, 1, 0, 1]]
    """

    transitions: tuple[tuple[int, ...], ...]
    outputs: tuple[int, ...] = ()
    start: int = 0

    def __post_init__(self) -> None:
        table = as_array(self.transitions)
        if table.ndim != 2 or not table.size or table.dtype.kind not in "iu":
            raise TypeError(
                f"transitions have shape {table.shape} and dtype {table.dtype}, expected integers "
                "(state, letter): one row per state, one next state per letter."
            )
        _check_range("transitions", table, len(table), "state")
        _check_range("start", as_array(self.start), len(table), "state")
        outputs = as_array(self.outputs if len(self.outputs) else range(len(table)))
        if outputs.shape != (len(table),) or outputs.dtype.kind not in "iu" or outputs.min() < 0:
            raise ValueError(
                f"outputs={self.outputs!r}, expected {len(table)} integers of at least 0, one per "
                "state."
            )
        _check_range("outputs", outputs, MOST_SYMBOLS, "output")
        object.__setattr__(self, "transitions", _rows(table))
        object.__setattr__(self, "outputs", tuple(outputs.tolist()))
        object.__setattr__(self, "start", int(self.start))

    @property
    def num_states(self) -> int:
        """Number of states, reachable or not."""
        return len(self.transitions)

    @property
    def num_letters(self) -> int:
        """Number of letters."""
        return len(self.transitions[0])

    @property
    def num_outputs(self) -> int:
        """One more than the largest output."""
        return max(self.outputs) + 1

    @cached_property
    def table(self) -> Integer[np.ndarray, "state letter"]:
        """The transitions as a read-only array."""
        table = np.array(self.transitions, dtype=np.int32)
        table.flags.writeable = False
        return table

    def run(self, words: Integer[np.ndarray, "batch time"]) -> Integer[np.ndarray, "batch time"]:
        """State after each letter of each word, in the smallest integer type that holds all states.

        Raises
        ------
        TypeError, ValueError
            If the words are not integers ``(batch, time)``, or hold a number that is no letter.
        """
        words = as_array(words)
        if words.ndim != 2 or words.dtype.kind not in "iu":
            raise TypeError(
                f"words have shape {words.shape} and dtype {words.dtype}, expected integers "
                "(batch, time)."
            )
        _check_range("words", words, self.num_letters, "letter")
        states = np.empty(words.shape, dtype=index_dtype(self.num_states))
        flat = self.table.ravel().astype(np.intp)
        for first in range(0, len(words), _BLOCK_WORDS):
            block = slice(first, first + _BLOCK_WORDS)
            columns = words[block].T.astype(np.intp, order="C")
            state = np.full(columns.shape[1], self.start, dtype=np.intp)
            for letters in columns:
                state = flat[state * self.num_letters + letters]
                letters[:] = state
            states[block] = columns.T
        return states

    def read(self, words: Integer[np.ndarray, "batch time"]) -> Integer[np.ndarray, "batch time"]:
        """Output after each letter of each word, with the errors that `run` raises."""
        outputs = np.array(self.outputs, dtype=index_dtype(self.num_outputs))
        return outputs[self.run(words)]

    def renamed(
        self, letters: Sequence[int] | None = None, outputs: Sequence[int] | None = None
    ) -> Automaton:
        r"""Renumber the letters and outputs, as another convention has them.

        .. math:: \mathrm{renamed.read}(\mathrm{letters}[w]) = \mathrm{outputs}[\mathrm{read}(w)]

        Parameters
        ----------
        letters
            ``letters[x]`` is the new number of letter x: a permutation of 0..num_letters - 1. None
            keeps the numbers.
        outputs
            ``outputs[y]`` is the new number of output y. None keeps the numbers.

        Raises
        ------
        ValueError
            If `letters` is no permutation, or `outputs` has another length than `num_outputs`.

        Examples
        --------
        >>> parity = Automaton(((0, 1), (1, 0)))
        >>> parity.renamed(letters=(1, 0), outputs=(1, 0)).read(np.array([[0, 1, 0, 0]])).tolist()
        [[0, 0, 1, 0]]
        """
        new = list(range(self.num_letters) if letters is None else letters)
        if sorted(new) != list(range(self.num_letters)):
            raise ValueError(
                f"letters={letters!r}, expected each of 0..{self.num_letters - 1} once: the new "
                "number of every letter."
            )
        named = list(range(self.num_outputs) if outputs is None else outputs)
        if len(named) != self.num_outputs:
            raise ValueError(
                f"outputs={outputs!r}, expected {self.num_outputs} numbers, one for every output."
            )
        table = self.table[:, np.argsort(new)]
        return Automaton(_rows(table), tuple(named[y] for y in self.outputs), self.start)

    def minimal(self) -> Automaton:
        """Remove unreachable states and merge states that no word tells apart.

        Returns
        -------
        The automaton with the fewest states that gives the same outputs for every word.

        Notes
        -----
        Moore's refinement: classes of equal output are split by the classes of their successors
        until nothing splits, O(states^2 letters) at worst.

        Examples
        --------
        >>> Automaton(((1, 0), (0, 1), (2, 2)), outputs=(0, 0, 1)).minimal().num_states
        1
        """
        table, outputs, start = self._reachable()
        classes = _classes(outputs[:, None])
        while True:
            refined = _classes(np.column_stack([classes, classes[table]]))
            if refined.max() == classes.max():
                break
            classes = refined
        _, members = np.unique(classes, return_index=True)
        return Automaton(
            transitions=_rows(classes[table[members]]),
            outputs=tuple(outputs[members].tolist()),
            start=int(classes[start]),
        )

    def _reachable(self) -> tuple[np.ndarray, np.ndarray, int]:
        seen = np.zeros(self.num_states, dtype=bool)
        frontier = np.array([self.start])
        while len(frontier):
            seen[frontier] = True
            successors = np.unique(self.table[frontier])
            frontier = successors[~seen[successors]]
        number = np.cumsum(seen) - 1
        return number[self.table[seen]], np.array(self.outputs)[seen], int(number[self.start])


def group_automaton(structure: Group, letters: Sequence[int] | None = None) -> Automaton:
    """Multiply elements of a group: states are elements, each letter multiplies on the right.

    Parameters
    ----------
    structure
        The group.
    letters
        Group element that each letter stands for; None takes all elements, in order.

    Examples
    --------
    >>> from seqtheory.group import group
    >>> group_automaton(group("Z3"), letters=(1, 2)).read(np.array([[0, 0, 1]])).tolist()
    [[1, 2, 1]]
    """
    chosen = range(structure.order) if letters is None else letters
    table = structure.table[:, checked_letters(structure, chosen)]
    return Automaton(_rows(table), start=structure.identity)


def require_automaton(num_states: int, num_letters: int, what: str) -> None:
    """Raise MemoryError if an automaton's table would not fit this machine."""
    require_memory(100 * num_states * (num_letters + 2), f"the automaton of {what}")


def checked_letters(structure: Group, letters: Iterable[int]) -> list[int]:
    """List the letters, after checking that each is an element of the group."""
    chosen = as_array([*letters])
    if not chosen.size or chosen.dtype.kind not in "iu":
        raise ValueError(f"letters={letters!r}, expected at least one element of {structure.name}.")
    _check_range("letters", chosen, structure.order, f"element of {structure.name}")
    return chosen.tolist()


def _rows(table: Integer[np.ndarray, "state letter"]) -> tuple[tuple[int, ...], ...]:
    rows: list[list[int]] = table.tolist()
    return tuple(tuple(row) for row in rows)


def _classes(rows: Integer[np.ndarray, "state fact"]) -> Integer[np.ndarray, " state"]:
    """Give equal rows the same number."""
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def _check_range(name: str, values: np.ndarray, count: int, noun: str) -> None:
    if values.size and (values.min() < 0 or values.max() >= count):
        bad = values[(values < 0) | (values >= count)].ravel()[0]
        raise ValueError(f"{name} hold {bad}, which is no {noun}: expected 0..{count - 1}.")
