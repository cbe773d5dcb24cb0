"""Word problems: 1,000,000 distinct words of length 20 over A5, with their running products.

The two generators in plain Python are measured on fewer words and their seconds multiplied: the
cost of a word does not depend on how many there are. Every contender's words are checked to be
distinct, and its products against the composition of permutations.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from benchmarks import published_words, report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seqtheory.group import Group, group
from seqtheory.tasks import GroupWords

GROUP, LENGTH, NUM_WORDS = "A5", 20, 1_000_000
PLAIN_WORDS, PUBLISHED_WORDS = 100_000, 20_000
ROUNDS = 5


def ours() -> Work:
    """`seqtheory.tasks.GroupWords`, all words."""
    task = GroupWords(group=GROUP, length=LENGTH, num_words=NUM_WORDS)

    def call() -> tuple[np.ndarray, np.ndarray]:
        data = task.build(seed=0)
        return data.inputs, data.targets

    return Work(call, version("seqtheory"), threads=1, dtype=str(call()[0].dtype), check=_check)


def plain() -> Work:
    """Straightforward Python: a set of tuples, and the table as nested lists."""
    table = group(GROUP).table.tolist()
    tokens = range(len(table))

    def products(word: tuple[int, ...]) -> tuple[int, ...]:
        product, prefix = 0, []
        for token in word:
            product = table[product][token]
            prefix.append(product)
        return tuple(prefix)

    def call() -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        rng, words = random.Random(0), set()
        while len(words) < PLAIN_WORDS:
            words.add(tuple(rng.choices(tokens, k=LENGTH)))
        ordered = list(words)
        return ordered, [products(word) for word in ordered]

    return Work(call, _python(), threads=1, dtype="int", check=_check)


def published() -> Work:
    """Generate as published, from the description."""
    structure = group(GROUP)
    algebra = published_words.NamedAlgebra(structure.elements, structure.table)

    def call() -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
        return published_words.generate(algebra, LENGTH, PUBLISHED_WORDS, random.Random(0))

    return Work(call, f"{_python()}, {version('numpy')}", threads=1, dtype="int", check=_check)


def _python() -> str:
    import platform

    return f"Python {platform.python_version()}"


def _check(result: tuple[Any, Any]) -> dict[str, Any]:
    words, targets = (np.asarray(part, dtype=np.uint8) for part in result)
    distinct = len({word.tobytes() for word in words})
    if distinct != len(words):
        raise ValueError(f"{len(words)} words, of which {distinct} distinct")
    permutations = _permutations(group(GROUP))
    product = np.broadcast_to(permutations[0], (len(words), permutations.shape[1]))
    for position in range(LENGTH):
        # The right factor acts first: (a b)(i) = a(b(i)).
        product = np.take_along_axis(product, permutations[words[:, position]], axis=1)
        if not np.array_equal(product, permutations[targets[:, position]]):
            raise ValueError(f"a product is wrong at position {position}")
    return {"words": len(words), "distinct": distinct}


def _permutations(structure: Group) -> np.ndarray:
    """Images of 0, 1, ... under each element, from its one-line name."""
    return np.array([[int(digit) - 1 for digit in name] for name in structure.elements])


def main() -> list[dict[str, Any]]:
    """Measure, print the table, and return the rows."""
    module = "benchmarks.words"
    contenders = [
        Contender("seqtheory GroupWords", module, "ours"),
        Contender("plain Python", module, "plain", scale=NUM_WORDS / PLAIN_WORDS),
        Contender("published generator", module, "published", scale=NUM_WORDS / PUBLISHED_WORDS),
    ]
    measured = compare(contenders, ROUNDS)
    title = f"words: {NUM_WORDS:,} distinct {GROUP} words of length {LENGTH}, with products"
    report.show_comparison(title, measured)
    counts = ", ".join(f"{m.label} {m.facts['words']:,}" for m in measured)
    print(
        f"Words made, all distinct and their products checked: {counts}; seconds of the last two "
        "are scaled to the full number, their memory is not.\n"
    )
    return report.rows(title, measured)
