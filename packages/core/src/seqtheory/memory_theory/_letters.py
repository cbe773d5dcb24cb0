"""Memory functions of models that read letters: the effect of replacing one letter."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer, require_memory
from seqtheory.memory_theory._assumptions import Model, check_assumptions, outputs_of
from seqtheory.memory_theory._stimulus import Letters

if TYPE_CHECKING:
    from jaxtyping import Float


def letter_memory(
    model: Model,
    alphabet: Letters,
    horizon: int,
    directions: str | int,
    rest: int,
    check: Collection[str],
    seed: int,
) -> Float[np.ndarray, " horizon"]:
    r"""Largest change of the output k steps after a letter was replaced.

    .. math:: M[k] = \max_a |y_k(\dots, b, a, b, \dots) - y_k(\dots, b, b, b, \dots)|_\infty

    with the baseline letter b, which also fills the `rest` positions before a. `memory_function`
    explains the parameters.
    """
    require_integer("rest", rest, 0)
    length, count = rest + horizon, _count(alphabet, directions)
    require_memory(
        24 * (count + 1) * length,
        f"letters={alphabet.letters:,} over horizon={horizon:,} (rest={rest:,})",
    )
    check_assumptions(
        model,
        alphabet,
        length=length,
        rest=rest,
        assumptions=check,
        rng=np.random.default_rng([seed, 1]),
    )
    words = alphabet.quiet(count + 1, length)
    words[:-1, rest] = alphabet.others(count, np.random.default_rng(seed))
    outputs = outputs_of(model, words)
    return np.abs(outputs[:-1, rest:] - outputs[-1, rest:]).max(axis=(0, 2))


def _count(alphabet: Letters, directions: str | int) -> int:
    """Count the letters that replace the baseline, one at a time."""
    if directions == "exact":
        return alphabet.letters - 1
    if isinstance(directions, str):
        raise ValueError(
            f"directions={directions!r} with letters: expected 'exact' for all of them, or a "
            "number of letters to draw."
        )
    require_integer("directions", directions, 1)
    return min(directions, alphabet.letters - 1)
