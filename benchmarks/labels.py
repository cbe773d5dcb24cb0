"""Signature labels: one coefficient of each of 100,000 paths of 100 points.

Contenders take the same float64 paths. iisignature and signax compute all levels up to the
word's length, which is their way of obtaining a coefficient; pysiglib is measured both that way
and with its function for single words. Their values are checked against ours on all paths.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work, threads
from seqtheory import signature
from seqtheory.tasks import SignatureLabels

NUM_PATHS, LENGTH = 100_000, 100
ROUNDS = 5
TUNING_PATHS = 20_000
SIGNAX_BATCHES = (250, 500, 1_000, 2_000, 5_000, 10_000)  # each divides both numbers of paths

Paths = np.ndarray
Word = tuple[int, ...]


def ours(channels: int) -> Work:
    """`seqtheory.signature.coefficient`, on all threads."""
    paths, word = _paths(channels)
    return Work(
        call=lambda: signature.coefficient(paths, word),
        version=version("seqtheory"),
        threads=threads(),
        dtype="float64",
    )


def pysiglib_coefficient(channels: int) -> Work:
    """`pysiglib.sig_coef`, on all threads."""
    import pysiglib

    paths, word = _paths(channels)
    return Work(
        call=lambda: pysiglib.sig_coef(paths, [word], n_jobs=-1)[:, 0],
        version=version("pysiglib"),
        threads=threads(),
        dtype="float64",
        check=_agreement(paths, word),
    )


def pysiglib_signature(channels: int) -> Work:
    """`pysiglib.sig`, on all threads."""
    import pysiglib

    paths, word = _paths(channels)
    column = _column(word, channels)
    return Work(
        call=lambda: pysiglib.sig(paths, len(word), n_jobs=-1)[:, column],
        version=version("pysiglib"),
        threads=threads(),
        dtype="float64",
        check=_agreement(paths, word),
    )


def iisignature(channels: int) -> Work:
    """`iisignature.sig`, which has no threads."""
    import iisignature

    paths, word = _paths(channels)
    column = _column(word, channels)
    return Work(
        call=lambda: iisignature.sig(paths, len(word))[:, column],
        version=version("iisignature"),
        threads=1,
        dtype="float64",
        check=_agreement(paths, word),
    )


def signax(channels: int) -> Work:
    """`signax.signature`, compiled, with paths on the device and the fastest size of batch."""
    import jax

    jax.config.update("jax_enable_x64", True)  # this process is signax's own
    import jax.numpy as jnp
    import signax as package

    paths, word = _paths(channels)

    @jax.jit
    def label(batch: jax.Array) -> jax.Array:
        return package.signature(batch, len(word), flatten=False)[-1][(slice(None), *word)]

    def batches(paths: Paths, size: int) -> list[jax.Array]:
        return [jnp.array(paths[i : i + size]) for i in range(0, len(paths), size)]

    def labels(batches: Sequence[jax.Array]) -> np.ndarray:
        return np.concatenate([label(batch) for batch in batches])

    tuning = paths[:TUNING_PATHS]
    size = min(SIGNAX_BATCHES, key=lambda n: _best_seconds(labels, batches(tuning, n)))
    check = _agreement(paths, word)
    on_device = batches(paths, size)
    return Work(
        call=lambda: labels(on_device),
        version=version("signax", "jax"),
        threads=threads(),
        dtype="float64",
        check=check,
        facts={"batch": size},
    )


def _paths(channels: int) -> tuple[Paths, Word]:
    """Paths in memory of their own, which pysiglib would otherwise copy at every call."""
    task = SignatureLabels(channels=channels, length=LENGTH, num_paths=NUM_PATHS)
    paths = np.array(task.build(1234).inputs, order="C")
    return paths, tuple(range(channels))


def _column(word: Word, channels: int) -> int:
    """Position of a word among levels 1, 2, ..., words of a level in lexicographic order."""
    before = sum(channels**level for level in range(1, len(word)))
    return before + int(np.ravel_multi_index(word, (channels,) * len(word)))


def _agreement(paths: Paths, word: Word) -> Callable[[np.ndarray], dict[str, Any]]:
    """Check that labels are ours to 1e-12 of the largest label."""
    expected = signature.coefficient(paths, word)
    scale = np.abs(expected).max()

    def check(labels: np.ndarray) -> dict[str, Any]:
        error = float(np.abs(labels - expected).max() / scale)
        if not error < 1e-12:
            raise ValueError(f"labels differ from ours by {error:.1e} of the largest label")
        return {"difference": error}

    return check


def _best_seconds(function: Callable[[Any], Any], argument: object) -> float:
    function(argument)  # compiles
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        function(argument)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


CONTENDERS = {
    "seqtheory coefficient": "ours",
    "pysiglib sig_coef": "pysiglib_coefficient",
    "pysiglib sig": "pysiglib_signature",
    "signax (jit)": "signax",
    "iisignature sig": "iisignature",
}


def main() -> list[dict[str, Any]]:
    """Measure both words, print a table for each, and return the rows."""
    rows = []
    for channels in (2, 3):
        contenders = [
            Contender(label, "benchmarks.labels", function, {"channels": channels})
            for label, function in CONTENDERS.items()
        ]
        measured = compare(contenders, ROUNDS)
        title = f"labels: {NUM_PATHS:,} x {LENGTH} x {channels}, word {tuple(range(channels))}"
        report.show_comparison(title, measured)
        notes = [m for m in measured if "difference" in m.facts]
        largest = max(m.facts["difference"] for m in notes)
        batch = next(m.facts["batch"] for m in notes if "batch" in m.facts)
        print(f"Labels agree to {largest:.0e} of the largest. signax in batches of {batch:,}.\n")
        rows += report.rows(title, measured)
    return rows
