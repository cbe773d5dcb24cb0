"""Regular tasks: uniform words, labelled by a finite automaton after every letter."""

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
    from jaxtyping import Bool, Int


class _Regular(Sequences):
    @property
    @abstractmethod
    def automaton(self) -> Automaton:
        """What writes the targets."""

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
        """The transition monoid of the least automaton."""
        return algebra_of(self.automaton)

    def _draw(
        self, lengths: Int[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Int[np.ndarray, "batch time"], Int[np.ndarray, "batch time"], Bool[np.ndarray, " time"]
    ]:
        shape = (len(lengths), self.max_length)
        words = rng.integers(0, self.num_tokens, shape, dtype=index_dtype(self.num_tokens))
        return words, self.automaton.read(words), np.ones(self.max_length, dtype=bool)


@dataclass(frozen=True)
class Parity(_Regular):
    r"""Whether the ones so far are odd in number.

    .. math:: y_k = x_1 + \dots + x_k \bmod 2, \qquad x_k \in \{0, 1\}

    Parameters
    ----------
    min_length, max_length, num_sequences
        As in all tasks of this kind: lengths to draw from, and how many sequences.

    References
    ----------
    G. Delétang et al., Neural Networks and the Chomsky Hierarchy, arXiv:2207.02098, which asks for
    the last value alone.

    Examples
    --------
    >>> data = Parity(min_length=4, max_length=4, num_sequences=2).build(seed=0)
    >>> data.inputs.tolist(), data.targets.tolist()
    ([[0, 1, 1, 1], [1, 1, 0, 1]], [[0, 1, 0, 1], [1, 0, 0, 1]])
    """

    @property
    def automaton(self) -> Automaton:
        """Two states, exchanged by a one."""
        return _counter(2)


@dataclass(frozen=True)
class ModularCounting(_Regular):
    r"""How many ones there were, modulo m.

    .. math:: y_k = x_1 + \dots + x_k \bmod m, \qquad x_k \in \{0, 1\}

    Parameters
    ----------
    modulus
        m, at least 2; `Parity` is m = 2.

    References
    ----------
    R. Grazzi et al., arXiv:2411.12537, Theorem 2.

    Examples
    --------
    >>> ModularCounting(3).algebra.exponent
    3
    """

    modulus: int = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("modulus", self.modulus, minimum=2)

    @property
    def automaton(self) -> Automaton:
        """States in a ring; a one goes to the next."""
        return _counter(self.modulus)


@dataclass(frozen=True)
class EvenPairs(_Regular):
    """Whether the pairs 01 and 10 so far are even in number (1), or odd (0).

    Each such pair is a change of letter, so the answer is whether the first letter equals the last:
    there is nothing to count, and the algebra is aperiodic.

    Notes
    -----
    In the code of the source the classes are exchanged: 1 stands for an odd number, which is
    ``FiniteAutomaton(EvenPairs().automaton.renamed(outputs=(1, 0)))``.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098.

    Examples
    --------
    >>> EvenPairs().algebra.is_aperiodic
    True
    """

    @property
    def automaton(self) -> Automaton:
        """The start, and a state for each first and last letter."""
        return Automaton(
            ((1, 4), (1, 2), (1, 2), (3, 4), (3, 4)), outputs=(1, 1, 0, 0, 1)
        )  # 1: 0..0, 2: 0..1, 3: 1..0, 4: 1..1


@dataclass(frozen=True)
class CycleNavigation(_Regular):
    r"""Where one stands on a ring after steps of 0, +1 and -1.

    .. math:: y_k = \sum_{j \le k} s(x_j) \bmod n, \qquad s(0), s(1), s(2) = 0, +1, -1

    Parameters
    ----------
    cycle
        n, the number of places; at least 2.

    Notes
    -----
    In the code of the source the letters are back, stay, on: 0, 1, 2 for ours 2, 0, 1, which is
    ``FiniteAutomaton(CycleNavigation().automaton.renamed(letters=(1, 2, 0)))``.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098 (n = 5).

    Examples
    --------
    >>> task = CycleNavigation(min_length=4, max_length=4, num_sequences=1)
    >>> task.automaton.read(np.array([[2, 2, 0, 1]])).tolist()
    [[4, 3, 3, 4]]
    """

    cycle: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("cycle", self.cycle, minimum=2)

    @property
    def automaton(self) -> Automaton:
        """States in a ring; stay, go on, go back."""
        n = self.cycle
        require_automaton(n, 3, f"cycle={n:,}")
        return Automaton(tuple((q, (q + 1) % n, (q - 1) % n) for q in range(n)))


@dataclass(frozen=True)
class FiniteAutomaton(_Regular):
    """Read uniform words by any finite automaton.

    Parameters
    ----------
    automaton
        Its table, outputs and start; `seqtheory.automaton.group_automaton` makes that of a group.

    Examples
    --------
    >>> latch = Automaton(((0, 0, 1), (1, 0, 1)))  # keep, reset, set
    >>> FiniteAutomaton(latch, min_length=1).algebra.is_reset
    True
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
