"""The scan of structured matrices, forward and backward in float32 on the CPU.

First every structure by each backend it has, beside the compiled kernels. Then the kernels against
the length, which is to be linear; and block-diagonal matrices against diagonal ones, for which
theory gives the size of a block (Walker et al., arXiv 2505.17761, table 1). The matrices are there
before the clock starts; the gradients are those of their numbers. A time is a mean over calls that
follow each other, as the steps of a training do: the first of them also maps fresh memory.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log
from time import process_time
from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import Contender, Spread, compare, version
from benchmarks.worker import Work
from seq_torch import ops
from seq_torch.mixers.parts.structured import transitions
from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Sparse,
    Structure,
    WalshHadamard,
)

SIZES = (4, 1024, 64)  # batch, time, width
LENGTHS = (256, 1024, 4096, 16384)
WIDE = (8, 1024, 256)  # blocks beside diagonals: large enough for what a call costs by itself
BLOCK_SIZES = (2, 4, 8, 16, 32)
ROUNDS = 5
CALLS = 20  # of the kernels, in a row; 2 of what is slower
STRUCTURES: dict[str, Structure] = {
    "diagonal": Diagonal(),
    **{f"blocks of {size}": BlockDiagonal(block_size=size) for size in BLOCK_SIZES},
    "diagonal plus rank 4": DiagonalPlusLowRank(rank=4),
    "sparse, 0.1": Sparse(density=0.1),
    "Walsh-Hadamard": WalshHadamard(),
    "dense": Dense(),
}
SHOWN = tuple(name for name in STRUCTURES if name not in ("blocks of 2", "blocks of 8"))
Step = Callable[[], list[Tensor]]


def scan(structure: str, sizes: list[int], backend: str) -> Work:
    """Scan matrices that nearly keep the size of the state."""
    step = _step(STRUCTURES[structure], sizes, backend)

    def check(results: list[Tensor]) -> dict[str, Any]:
        reference = _step(STRUCTURES[structure], sizes, "reference")()
        error = gradients.difference(results, reference)
        if not error < 1e-4:
            raise ValueError(f"{structure} by {backend!r} is off by {error:.1e} of the largest")
        return {"error": error}

    def call(calls: int = 1) -> list[Tensor]:
        results = step()
        for _ in range(calls - 1):
            results = step()
        return results

    return Work(
        call=call,
        version=version("seq-torch"),
        threads=torch.get_num_threads(),
        dtype="float32",
        check=check,
    )


def _step(structure: Structure, sizes: list[int], backend: str) -> Step:
    """Output, and gradients of a fixed sum by the matrices' numbers."""
    generator = torch.Generator().manual_seed(0)
    batch, time, width = sizes
    scales = structure.scales(width)
    parameters = {
        name: 0.05 * scales[name] * torch.randn(batch, time, *shape, generator=generator)
        for name, shape in structure.shapes(width).items()
    }
    matrices = transitions(structure, "first_order", parameters)
    matrices = matrices.map(lambda values: values.detach().requires_grad_())
    leaves = [tensor for tensor in matrices.tensors().values() if tensor.requires_grad]
    initial = torch.randn(batch, width, generator=generator)

    def step() -> list[Tensor]:
        states = ops.structured_scan(matrices, initial, backend)
        found = torch.autograd.grad(states, leaves, torch.ones_like(states))
        return [states.detach(), *found]

    return step


def main() -> list[dict[str, Any]]:
    """Measure and print the tables; return their rows."""
    rows = []
    for name in SHOWN:
        title = f"{name}, (batch, time, width) = {SIZES}, forward and backward"
        measured = compare([_contender(name, backend) for backend in _backends(name)], ROUNDS)
        report.show_comparison(title, measured)
        rows += report.rows(title, measured)
    return rows + _against_length() + _blocks()


def _backends(name: str) -> tuple[str, ...]:
    closed = STRUCTURES[name].closed
    return ("fused", "reference", "chunked", *(("parallel",) if closed else ()))


def _contender(name: str, backend: str) -> Contender:
    labels = {"fused": "compiled kernels", "reference": "loop over the steps"}
    calls = CALLS if backend == "fused" else 2
    return Contender(
        label=labels.get(backend, backend),
        module="benchmarks.structures",
        function="scan",
        arguments={"structure": name, "sizes": list(SIZES), "backend": backend},
        scale=1 / calls,
        timed={"calls": calls},
    )


def _against_length() -> list[dict[str, Any]]:
    """Processor time of the kernels, and the power of the length by which it grows."""
    batch, _, width = SIZES
    rows = []
    for name in SHOWN:
        steps = [_step(STRUCTURES[name], [batch, time, width], "fused") for time in LENGTHS]
        found = _cpu_seconds(steps)
        ends = zip(found[-1], found[0], strict=True)
        powers = [log(last / first) / log(LENGTHS[-1] / LENGTHS[0]) for last, first in ends]
        of_step = [
            [s / time for s in seconds] for time, seconds in zip(LENGTHS, found, strict=True)
        ]
        row = {"axis": "length", "structure": name, "lengths": LENGTHS}
        rows.append(row | {"cpu_seconds_of_step": of_step, "powers": powers})
    header = ("structure", *(f"us per step at {time}" for time in LENGTHS), "power")
    cells = [[row["structure"], *_microseconds(row), _spread(row["powers"])] for row in rows]
    report.show(f"Compiled kernels, batch {batch}, width {width}: processor time", header, cells)
    return rows


def _microseconds(row: dict[str, Any]) -> list[str]:
    return [_spread([1e6 * value for value in values]) for values in row["cpu_seconds_of_step"]]


def _blocks() -> list[dict[str, Any]]:
    """Processor time of blocks beside that of diagonals, round by round."""
    names = ("diagonal", *(f"blocks of {size}" for size in BLOCK_SIZES))
    found = _cpu_seconds([_step(STRUCTURES[name], list(WIDE), "fused") for name in names])
    rows = [
        {
            "axis": "block",
            "structure": name,
            "sizes": WIDE,
            "multiplications": STRUCTURES[name].cost(WIDE[2]) // WIDE[2],
            "cpu_seconds": seconds,
            "of_diagonal": [
                one / diagonal for one, diagonal in zip(seconds, found[0], strict=True)
            ],
        }
        for name, seconds in zip(names, found, strict=True)
    ]
    header = ("structure", "multiplications per entry", "CPU s", "of the diagonal's")
    cells = [
        [
            row["structure"],
            str(row["multiplications"]),
            _spread(row["cpu_seconds"]),
            _spread(row["of_diagonal"]),
        ]
        for row in rows
    ]
    report.show(f"Compiled kernels, (batch, time, width) = {WIDE}", header, cells)
    return rows


def _cpu_seconds(steps: list[Step]) -> list[list[float]]:
    """Processor time of a call on one thread, in each round, taking turns."""
    torch.set_num_threads(1)  # those that wait for work would count too
    for step in steps:
        step()  # compiles
    rounds = [[_mean_cpu(step) for step in steps] for _ in range(ROUNDS)]
    return [list(seconds) for seconds in zip(*rounds, strict=True)]


def _mean_cpu(step: Step) -> float:
    start = process_time()
    for _ in range(CALLS):
        step()
    return (process_time() - start) / CALLS


def _spread(values: list[float]) -> str:
    return Spread.of(values).text()
