"""Modular arithmetic: the value of a sum, with brackets or without."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from seqtheory.automaton import Algebra, Automaton, algebra_of
from seqtheory.automaton._automaton import require_automaton
from seqtheory.checks import MOST_SYMBOLS, require_flag, require_integer, require_memory
from seqtheory.group import index_dtype
from seqtheory.tasks._expressions import bracketed
from seqtheory.tasks._lengths import Sequences

if TYPE_CHECKING:
    from jaxtyping import Bool, Integer

_SIGNS = "+-*"


@dataclass(frozen=True)
class ModularArithmetic(Sequences):
    """Evaluate an expression such as ``1+2*4-3`` or ``((1+2)*(-4))``, modulo m.

    Parameters
    ----------
    modulus
        m, at least 2; digits are 0..m-1.
    brackets
        Without brackets, digits and operators alternate, and the target at every digit is the value
        so far. With brackets, expressions are fully bracketed and have exactly the length drawn;
        only the last token is scored, and its target is the value.
    operators
        Which of ``+``, ``-`` and ``*`` to draw from, uniformly.
    precedence
        Whether ``*`` binds more tightly. If not, expressions without brackets are evaluated from
        left to right, and the task has another algebra, of affine maps, which do not commute.
    min_length, max_length
        Tokens of an expression. Without brackets, an expression of even length ends with an
        operator, which is not scored.

    Notes
    -----
    Tokens are indices into `vocabulary`. With brackets `algebra` is None: nesting is unbounded, the
    language is context-free and no finite automaton evaluates it. Without brackets, the automaton
    has an absorbing state for sequences that are no expression, which the data never reach.

    References
    ----------
    G. Delétang et al., arXiv:2207.02098: modulus 5. There only the value of the whole expression is
    scored, and expressions with brackets have no ``*`` by default.

    Examples
    --------
    >>> task = ModularArithmetic(brackets=True, min_length=9, max_length=9, num_sequences=1)
    >>> data = task.build(seed=3)
    >>> "".join(task.vocabulary[t] for t in data.inputs[0]), data.targets[0].tolist()
    ('(1+(4*2))', [0, 0, 0, 0, 0, 0, 0, 0, 4])

    Without brackets every digit is scored:

    >>> data = ModularArithmetic(min_length=7, max_length=7, num_sequences=1).build(seed=0)
    >>> print("inputs  ", *(task.vocabulary[token] for token in data.inputs[0]))
    inputs   4 + 3 + 2 + 1
    >>> print("targets ", *np.where(data.scored[0], data.targets[0].astype(str), "-"))
    targets  4 - 2 - 4 - 0
    """

    modulus: int = 5
    brackets: bool = False
    operators: str = _SIGNS
    precedence: bool = True
    _bytes_per_step: ClassVar[int] = 14

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("modulus", self.modulus, minimum=2, maximum=MOST_SYMBOLS)
        require_flag("brackets", self.brackets)
        require_flag("precedence", self.precedence)
        chosen = set(self.operators)
        if not chosen or len(chosen) < len(self.operators) or not chosen <= set(_SIGNS):
            raise ValueError(
                f"operators={self.operators!r}, expected some of '+', '-' and '*', each once."
            )
        if self.brackets and "-" not in chosen:
            raise ValueError(
                f"operators={self.operators!r} lack '-', which expressions with brackets need as a "
                "sign. Add it."
            )

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The symbol of each token: digits, operators, brackets."""
        require_memory(80 * self.modulus, f"the vocabulary of modulus={self.modulus:,}")
        return (*map(str, range(self.modulus)), *self.operators, *("()" if self.brackets else ""))

    @property
    def num_tokens(self) -> int:
        """Digits, operators and, if there are any, brackets."""
        return self.modulus + len(self.operators) + 2 * self.brackets

    @property
    def num_classes(self) -> int:
        """The modulus."""
        return self.modulus

    @property
    def automaton(self) -> Automaton:
        """The automaton that evaluates expressions without brackets; operators output `modulus`.

        Raises
        ------
        ValueError
            If there are brackets.
        """
        if self.brackets:
            raise ValueError(
                "no finite automaton evaluates brackets of every depth. Use brackets=False."
            )
        states = 4 * self.modulus ** (2 if self.precedence else 1) + 1
        require_automaton(states, self.modulus + len(self.operators), f"modulus={self.modulus:,}")
        return _evaluator(self.modulus, self.operators, self.precedence)

    @property
    def algebra(self) -> Algebra | None:
        """The transition monoid without brackets, None with them."""
        return None if self.brackets else algebra_of(self.automaton)

    def _draw(
        self, lengths: Integer[np.ndarray, " batch"], rng: np.random.Generator
    ) -> tuple[
        Integer[np.ndarray, "batch time"],
        Integer[np.ndarray, "batch time"],
        Bool[np.ndarray, "batch time"] | Bool[np.ndarray, " time"],
    ]:
        if self.brackets:
            inputs, values = bracketed(lengths, self.modulus, self.operators, rng)
            width: int = inputs.shape[1]
            targets = np.zeros(inputs.shape, dtype=index_dtype(self.modulus))
            targets[np.arange(len(lengths)), lengths - 1] = values
            return inputs, targets, np.arange(width) == lengths[:, None] - 1
        inputs = np.empty((len(lengths), self.max_length), dtype=index_dtype(self.num_tokens))
        digits, signs = inputs[:, ::2], inputs[:, 1::2]
        digits[:] = rng.integers(0, self.modulus, digits.shape)
        signs[:] = rng.integers(self.modulus, self.num_tokens, signs.shape)
        return inputs, self.automaton.read(inputs), np.arange(self.max_length) % 2 == 0


@cache
def _evaluator(modulus: int, operators: str, precedence: bool) -> Automaton:
    """Build the least automaton that evaluates expressions without brackets.

    A state holds the sum s of the finished terms, the unfinished term p, and the operator that
    waits for a digit, if any. The value is s + p. Without precedence there is one unfinished term
    only, so s stays 0.
    """
    numbers = range(modulus)
    terms = numbers if precedence else range(1)
    states = [(s, p, sign) for sign in ("", *_SIGNS) for s, p in product(terms, numbers)]
    number = {state: i for i, state in enumerate([*states, None])}

    def after(state: tuple[int, int, str] | None, letter: int) -> tuple[int, int, str] | None:
        if state is None or (letter < modulus) == (state[2] == ""):
            return None  # a digit or an operator at the wrong place
        s, p, sign = state
        if letter >= modulus:
            return s, p, operators[letter - modulus]
        if sign == "*":
            return s, p * letter % modulus, ""
        term = letter if sign == "+" else -letter % modulus
        return ((s + p) % modulus, term, "") if precedence else (0, (p + term) % modulus, "")

    letters = range(modulus + len(operators))
    table = tuple(tuple(number[after(state, x)] for x in letters) for state in number)
    outputs = [(s + p) % modulus if sign == "" else modulus for s, p, sign in states]
    return Automaton(table, (*outputs, modulus), start=number[0, 0, "+"]).minimal()
