"""Random features of linear CDEs: 100,000 paths of 100 points, width 256, one draw.

Ours is the study's own call, at the study's tolerance and batch size. The published solve takes
minutes for all paths, so it is measured on a subset and its seconds multiplied; a second size
shows that they grow linearly. Both have the same fields A, B, C and d, and both are compiled
before the clock starts. The errors compared are those of a least-squares readout on the subset.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.measure import MEBIBYTE, Contender, Measurement, compare, version
from benchmarks.worker import Work, threads
from experiments.toy.linear_cde import BATCH_SIZE, TOLERANCE
from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.tasks import SignatureLabels

MODULE = "benchmarks.features"
WIDTH, LENGTH, NUM_PATHS = 256, 100, 100_000
SUBSET, SMALL_SUBSET = 8_000, 4_000
ROUNDS = 2
MEMORY_SIZES = (25_000, 50_000, 100_000, 200_000)


def ours(channels: int, num_paths: int) -> Work:
    """`lcde_jax.random_features` by the signature, as the study calls it."""
    from lcde_jax import plan_features, random_features

    cde, data = _draw(channels), _paths(channels, num_paths)
    settings = {"method": "signature", "tolerance": TOLERANCE[channels]}

    def call(num_paths: int) -> np.ndarray:
        return random_features(cde, data.inputs[:num_paths], batch_size=BATCH_SIZE, **settings)

    compiling = _seconds(call, SUBSET) - _seconds(call, SUBSET)
    plan = plan_features((cde,), data.inputs, **settings)
    return Work(
        call,
        version=version("lcde-jax", "jax"),
        threads=threads(),
        dtype=str(data.inputs.dtype),
        check=lambda features: _facts(features, data),
        facts={"depth": plan.depth, "tail": plan.tail, "compiling": compiling},
    )


def published(channels: int) -> Work:
    """Solve as published, as many of the first `SUBSET` paths as are asked for."""
    from benchmarks.published_features import PublishedFeatures

    data, cde = _subset(_paths(channels, NUM_PATHS)), _draw(channels)
    start = time.perf_counter()
    features = PublishedFeatures(cde, LENGTH)
    compiling = time.perf_counter() - start

    def call(num_paths: int) -> np.ndarray:
        return features(data.inputs[:num_paths])

    return Work(
        call,
        version=version("diffrax", "jax"),
        threads=threads(),
        dtype="float32",
        check=lambda result: _facts(result, data),
        facts={"compiling": compiling},
    )


def _seconds(call: Callable[[int], np.ndarray], num_paths: int) -> float:
    start = time.perf_counter()
    call(num_paths)
    return time.perf_counter() - start


def _draw(channels: int) -> Any:
    import jax

    from lcde_jax import LinearCDE

    return LinearCDE(WIDTH, channels, key=jax.random.key(0))


def _paths(channels: int, num_paths: int) -> Dataset:
    """Paths in single precision, as in the study and as published."""
    task = SignatureLabels(channels=channels, length=LENGTH, num_paths=num_paths, dtype="float32")
    return task.build(1234)


def _subset(data: Dataset) -> Dataset:
    return Dataset(data.inputs[:SUBSET].copy(), data.targets[:SUBSET].copy())


def _facts(features: np.ndarray, data: Dataset) -> dict[str, Any]:
    """Held-out error of a readout on the subset, the last fifth of it held out."""
    from lcde_jax import fit_readout

    if not np.isfinite(features).all():
        raise ValueError("features are not finite")
    features_of_subset, targets = features[:SUBSET], data.targets[:SUBSET]
    train = SUBSET * 4 // 5
    readout = fit_readout(features_of_subset[:train], targets[:train])
    error = metrics.rmse(readout.predict(features_of_subset[train:]), targets[train:])
    zero = metrics.rmse(np.zeros(SUBSET - train), targets[train:])
    return {"rmse": float(error), "zero": float(zero), "result": features.nbytes}


def main() -> list[dict[str, Any]]:
    """Measure both dimensions, and memory in two; print tables, and return the rows."""
    rows = []
    for channels in (2, 3):
        title = f"features: {NUM_PATHS:,} x {LENGTH} x {channels}, width {WIDTH}"
        measured = _against_published(channels)
        report.show_comparison(title, measured)
        _explain(*measured)
        rows += report.rows(title, measured)
    memory = _memory(channels=2)
    title = f"features: memory of ours, length {LENGTH}, 2 channels, width {WIDTH}"
    _show_memory(title, memory)
    rows += [{"table": title} | asdict(m) for m in memory]
    return rows


def _against_published(channels: int) -> list[Measurement]:
    contenders = [
        Contender(
            "lcde_jax, signature",
            MODULE,
            "ours",
            {"channels": channels, "num_paths": NUM_PATHS},
            first={"num_paths": SUBSET},
            timed={"num_paths": NUM_PATHS},
        ),
        Contender(
            "published diffrax solve",
            MODULE,
            "published",
            {"channels": channels},
            scale=NUM_PATHS / SMALL_SUBSET,
            first={"num_paths": SUBSET},
            timed={"num_paths": SMALL_SUBSET},
        ),
    ]
    return compare(contenders, ROUNDS)


def _explain(ours: Measurement, published: Measurement) -> None:
    per_path = [
        1e3 * published.first_seconds / SUBSET,
        1e3 * float(np.median(published.seconds)) / NUM_PATHS,
    ]
    errors = [m.facts["rmse"] / m.facts["zero"] for m in (ours, published)]
    compiling = [m.facts["compiling"] for m in (ours, published)]
    print(
        f"Held-out RMSE / predicting zero, {SUBSET:,} paths: ours {errors[0]:.4g}, published "
        f"{errors[1]:.4g}, ours / published {errors[0] / errors[1]:.3f}.\n"
        f"Signature depth {ours.facts['depth']}, tail {ours.facts['tail']:.1e}. Compiling, before "
        f"the clock: ours {compiling[0]:.1f} s, published {compiling[1]:.1f} s.\n"
        f"Published: {per_path[0]:.2f} ms a path on {SUBSET:,} paths, {per_path[1]:.2f} on "
        f"{SMALL_SUBSET:,}; its seconds above are those of {SMALL_SUBSET:,}, scaled; its memory "
        f"is that of {SUBSET:,}.\n"
    )


def _memory(channels: int) -> list[Measurement]:
    """Ours at several sizes, one call in a process of its own each."""
    measured = []
    for size in MEMORY_SIZES:
        arguments = {"channels": channels, "num_paths": size}
        whole = {"num_paths": size}
        contender = Contender(f"{size:,} paths", MODULE, "ours", arguments, first=whole)
        measured += compare([contender], rounds=0)
    return measured


def _show_memory(title: str, measured: Sequence[Measurement]) -> None:
    header = (
        "paths",
        "seconds",
        "call MiB",
        "result MiB",
        "beyond the result MiB",
        "peak MiB",
    )
    cells = []
    for m in measured:
        result = m.facts["result"]
        sizes = [f"{n / MEBIBYTE:.0f}" for n in (m.extra, result, m.extra - result, m.peak)]
        cells.append([m.label, f"{m.first_seconds:.3g}", *sizes])
    report.show(title, header, cells)
    print()
