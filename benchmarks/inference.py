"""Generating with one layer: a step of the recurrence against the convolution over all tokens.

Every new token costs the recurrence one `step` from its state, and the convolution the whole
prefix once more (`forward`), which also is what a sequence that is known already costs in all. The
theory: a step takes the same time and memory at every position; a forward pass over L positions
takes L log L in time and L in memory. Both are measured at every length, a power is fitted to the
longer ones in each round, and step and forward pass must give the same output at the last position.
S5 has a scan in place of the convolution; a Transformer layer (without a cache) stands beside.

Memory counts allocations, not pages: those of torch's allocator, or those that XLA planned, and
what has to be kept from one token to the next, a state or the prefix.
"""

from __future__ import annotations

from contextlib import ExitStack
from math import log2
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.measure import Contender, Process, Spread

WIDTH, STATE = 64, 64
LENGTHS = tuple(2**k for k in range(6, 15))
FITTED_FROM = 1024
TRANSFORMER_TO = 8192  # its work is quadratic
ROUNDS = 5
STEPS = 256  # of the recurrence in one timing
LAYERS = [(framework, name) for framework in ("torch", "jax") for name in ("S4", "S4D", "S5")]
LAYERS.append(("torch", "Transformer"))
HEADER = (
    "layer",
    "framework",
    "one new token by",
    "us, shortest",
    "us, longest",
    "power of time",
    "of",
    "KiB, shortest",
    "KiB, longest",
    "power of memory",
)

Row = dict[str, Any]


def main() -> list[Row]:
    """Measure all layers in turns, print times, memory and fitted powers, and return the rows."""
    contenders = [_contender(*layer) for layer in LAYERS]
    with ExitStack() as stack:
        processes = [stack.enter_context(Process(contender)) for contender in contenders]
        rows = [
            row
            for layer, contender, process in zip(LAYERS, contenders, processes, strict=True)
            for row in _rows(*layer, contender.arguments["lengths"], process)
        ]
        for round_ in range(ROUNDS + 1):  # the first is not kept
            for row in rows:
                seconds = _timed(processes[LAYERS.index((row["framework"], row["layer"]))], row)
                row["seconds"] += [seconds] if round_ else []
    fits = [_fit(group) for group in _groups(rows)]
    title = f"One layer, width {WIDTH}, state {STATE}, lengths {LENGTHS[0]} to {LENGTHS[-1]}"
    report.show(title, HEADER, [_cells(fit) for fit in fits])
    print(f"Powers over lengths from {FITTED_FROM}: median (least..most) of {ROUNDS} rounds.")
    print("Theory: step 0; forward 1 (Transformer 2) in time, and 1 of L in memory.")
    worst = max(row["difference"] for row in rows if row["difference"] is not None)
    print(f"Step and forward differ by at most {worst:.1e} of the largest output.\n")
    return rows + fits


def power(scale: list[float], values: list[float]) -> float:
    """Exponent p of the power law ``values ~ scale ** p``, by least squares of the logarithms."""
    return float(np.polyfit(np.log(scale), np.log(values), 1)[0])


def abscissa(layer: str, mode: str, length: int) -> float:
    """Give what time should be a power of: L log L of a convolution, else L."""
    convolution = mode == "forward" and layer in ("S4", "S4D")
    return length * log2(length) if convolution else length


def _contender(framework: str, layer: str) -> Contender:
    longest = TRANSFORMER_TO if layer == "Transformer" else LENGTHS[-1]
    lengths = [length for length in LENGTHS if length <= longest]
    arguments = {"name": layer, "width": WIDTH, "state": STATE, "lengths": lengths}
    return Contender(
        f"{layer}, {framework}", f"benchmarks.inference_{framework}", "layer", arguments
    )


def _rows(framework: str, layer: str, lengths: list[int], process: Process) -> list[Row]:
    """One row for each mode and length, its times still to come."""
    facts, difference = process.facts, process.facts.get("difference")
    if difference is not None and not difference < 1e-3:
        raise ValueError(f"{process.label}: step and forward differ by {difference:.1e}")
    found = []
    for mode in facts["memory"]:
        for length in lengths:
            row = {"framework": framework, "layer": layer, "mode": mode, "length": length}
            row |= {"memory": facts["memory"][mode][str(length)], "difference": difference}
            row |= {"version": facts["version"], "threads": facts["threads"], "seconds": []}
            found.append(row)
    return found


def _timed(process: Process, row: Row) -> float:
    """Seconds of one new token."""
    times = STEPS if row["mode"] == "step" else max(1, 4096 // row["length"])
    arguments = {"mode": row["mode"], "length": row["length"], "times": times}
    return process.run(arguments, f"{row['mode']} at {row['length']}")["seconds"] / times


def _groups(rows: list[Row]) -> list[list[Row]]:
    """Rows of one layer, framework and mode, over lengths."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["framework"], row["layer"], row["mode"]), []).append(row)
    return list(groups.values())


def _fit(group: list[Row]) -> Row:
    """Powers of time, one for each round, and of memory."""
    first, last = group[0], group[-1]
    layer, mode = first["layer"], first["mode"]
    longer = [row for row in group if row["length"] >= FITTED_FROM]
    scale = [abscissa(layer, mode, row["length"]) for row in longer]
    rounds = zip(*(row["seconds"] for row in longer), strict=True)
    lengths = [row["length"] for row in longer]
    return {
        **{name: first[name] for name in ("framework", "layer", "mode")},
        "of": "L" if scale == lengths else "L log L",
        "time_powers": [power(scale, list(times)) for times in rounds],
        "memory_power": power(lengths, [row["memory"] for row in longer]),
        "ends": [first, last],
    }


def _cells(fit: Row) -> list[str]:
    ends = fit["ends"]
    times = [f"{1e6 * Spread.of(end['seconds']).median:.3g}" for end in ends]
    memory = [f"{end['memory'] / 1024:.4g}" for end in ends]
    powers = Spread.of(fit["time_powers"])
    shown = f"{powers.median:.2f} ({powers.low:.2f}..{powers.high:.2f})"
    named = [fit["layer"], fit["framework"], fit["mode"]]
    return [*named, *times, shown, fit["of"], *memory, f"{fit['memory_power']:.2f}"]
