"""Regular tasks: uniform words, with the output of a finite automaton at every letter."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.automaton import Algebra, Automaton, algebra_of
from seqtheory.automaton._automaton import require_automaton
from seqtheory.checks import require_integer
from seqtheory.group import index_dtype
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer


class _Regular(Sequences):
    @property
    @abstractmethod
    def automaton(self) -> Automaton:
        """The automaton whose outputs are the targets."""

    @property
    def num_tokens(self) -> int:
        """Letters of the automaton."""
        return self.automaton.num_letters

    @property
    def num_classes(self) -> int:
        """Outputs of the automaton."""
        return self.automaton.num_outputs

    @property
    def algebra(self) -> Algebra | None:
        """The transition monoid of the minimal automaton."""
        return algebra_of(self.automaton)

    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, " time"],
    ]:
        shape = (len(lengths), self.max_length)
        words = rng.integers(0, self.num_tokens, shape, dtype=index_dtype(self.num_tokens))
        return words, self.automaton.read(words), np.ones(self.max_length, dtype=bool)


@dataclass(frozen=True)
class Parity(_Regular):
    r"""Whether the number of ones so far is odd.

    .. math:: y_k = x_1 + \dots + x_k \bmod 2, \qquad x_k \in \{0, 1\}

    Parameters
    ----------
    min_length, max_length
        The length of each sequence is drawn uniformly between these, both included.
    num_sequences
        Number of sequences.

    References
    ----------
    G. Delétang et al., Neural Networks and the Chomsky Hierarchy, arXiv:2207.02098. There only the
    last value is scored.

    Examples
    --------
    >>> data = Parity(min_length=8, max_length=8, num_sequences=1).build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   0 1 1 1 1 1 0 1
    targets  0 1 0 1 0 1 1 0
    """

    @property
    def automaton(self) -> Automaton:
        """Two states; a one moves from either to the other."""
        return _counter(2)


@dataclass(frozen=True)
class ModularCounting(_Regular):
    r"""Number of ones so far, modulo m.

    .. math:: y_k = x_1 + \dots + x_k \bmod m, \qquad x_k \in \{0, 1\}

    Parameters
    ----------
    modulus
        m, at least 2; `Parity` is m = 2.
    min_length, max_length
        The length of each sequence is drawn uniformly between these, both included.
    num_sequences
        Number of sequences.

    References
    ----------
    R. Grazzi et al., arXiv:2411.12537, Theorem 2.

    Examples
    --------
    >>> data = ModularCounting(3, min_length=8, max_length=8, num_sequences=1).build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   0 1 1 1 1 1 0 1
    targets  0 1 2 0 1 2 2 0
    >>> ModularCounting(3).algebra.exponent
    3
    """

    modulus: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("modulus", self.modulus, minimum=2)

    @property
    def automaton(self) -> Automaton:
        """States in a ring; a one moves to the next."""
        return _counter(self.modulus)


@dataclass(frozen=True)
class EvenPairs(_Regular):
    """Whether the number of pairs 01 and 10 so far is even (1) or odd (0).

    Each of these pairs is a change of letter, so the target is 1 exactly where the letter equals
    the first one. Nothing needs to be counted, and the algebra is aperiodic.

    Parameters
    ----------
    min_length, max_length
        The length of each sequence is drawn uniformly between these, both included.
    num_sequences
        Number of sequences.

    Notes
    -----
    In the published code the classes are exchanged, so that 1 stands for an odd number. That task
    is ``FiniteAutomaton(EvenPairs().automaton.renamed(outputs=(1, 0)))``.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098.

    Examples
    --------
    >>> data = EvenPairs(min_length=8, max_length=8, num_sequences=1).build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   0 1 1 1 1 1 0 1
    targets  1 0 0 0 0 0 1 0
    >>> EvenPairs().algebra.is_aperiodic
    True
    """

    @property
    def automaton(self) -> Automaton:
        """The start, and a state for each pair of first and last letter."""
        return Automaton(
            ((1, 4), (1, 2), (1, 2), (3, 4), (3, 4)), outputs=(1, 1, 0, 0, 1)
        )  # 1: 0..0, 2: 0..1, 3: 1..0, 4: 1..1


@dataclass(frozen=True)
class CycleNavigation(_Regular):
    r"""Position on a ring after steps of 0, +1 and -1.

    .. math:: y_k = \sum_{j \le k} s(x_j) \bmod n, \qquad s(0), s(1), s(2) = 0, +1, -1

    Parameters
    ----------
    cycle
        n, the number of places; at least 2.
    min_length, max_length
        The length of each sequence is drawn uniformly between these, both included.
    num_sequences
        Number of sequences.

    Notes
    -----
    The published code numbers the steps -1, 0 and +1 by the letters 0, 1 and 2. That task is
    ``FiniteAutomaton(CycleNavigation().automaton.renamed(letters=(1, 2, 0)))``.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098 (n = 5).

    Examples
    --------
    >>> data = CycleNavigation(min_length=8, max_length=8, num_sequences=1).build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   1 1 2 2 2 2 0 1
    targets  1 2 1 0 4 3 3 4
    """

    cycle: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("cycle", self.cycle, minimum=2)

    @property
    def automaton(self) -> Automaton:
        """States in a ring; the letters stay, move to the next, move to the previous."""
        n = self.cycle
        require_automaton(n, 3, f"cycle={n:,}")
        return Automaton(tuple((q, (q + 1) % n, (q - 1) % n) for q in range(n)))


@dataclass(frozen=True)
class FiniteAutomaton(_Regular):
    """Outputs of any finite automaton on uniform words.

    Parameters
    ----------
    automaton
        The automaton; `seqtheory.automaton.group_automaton` makes that of a group.
    min_length, max_length
        The length of each sequence is drawn uniformly between these, both included.
    num_sequences
        Number of sequences.

    Examples
    --------
    >>> latch = Automaton(((0, 0, 1), (1, 0, 1)))  # keep, reset, set
    >>> task = FiniteAutomaton(latch, min_length=8, max_length=8, num_sequences=1)
    >>> task.algebra.is_reset
    True
    >>> data = task.build(seed=0)
    >>> for name in ("inputs", "targets"):
    ...     print(f"{name:8}", *getattr(data, name)[0])
    inputs   1 1 2 2 2 2 0 1
    targets  0 0 1 1 1 1 1 0
    """

    automaton: Automaton = Automaton(  # noqa: RUF009  # pyright: ignore[reportIncompatibleMethodOverride]
        ((0, 0, 1), (1, 0, 1))
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_automaton(self.automaton)


@cache
def _counter(modulus: int) -> Automaton:
    require_automaton(modulus, 2, f"modulus={modulus:,}")
    return Automaton(tuple((q, (q + 1) % modulus) for q in range(modulus)))


def _require_automaton(value: object) -> None:
    if not isinstance(value, Automaton):
        raise TypeError(
            f"automaton={value!r}: expected an Automaton; give "
            "seqtheory.automaton.Automaton(transitions, outputs, start)."
        )
