"""The scan of structured matrices, forward and backward in float32 on the CPU.

First every structure at one width, by each backend it has: processor time beside the
multiplications that theory counts. Then time against length, which is linear for each, and
block-diagonal matrices against diagonal ones by the same backend, for which theory gives the size
of a block (Walker et al., arXiv 2505.17761, table 1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from time import process_time
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.measure import Spread
from seq_torch import ops
from seq_torch.mixers.structured import transitions
from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    Sparse,
    Structure,
    WalshHadamard,
)

BATCH, WIDTH, LENGTH = 4, 64, 1024
LENGTHS = (256, 1024, 4096)
BLOCK_SIZES = (2, 4, 8, 16)
ROUNDS = 5
STRUCTURES = (
    Diagonal(),
    BlockDiagonal(block_size=4),
    DiagonalPlusLowRank(rank=4),
    Sparse(density=0.1),
    WalshHadamard(),
    Dense(),
)


def scan(structure: Structure, length: int, backend: str) -> Callable[[], list[Tensor]]:
    """Scan matrices that nearly keep the size of the state; output and gradients."""
    generator = torch.Generator().manual_seed(0)
    scales = structure.scales(WIDTH)
    parameters = {
        name: (0.05 * scales[name] * torch.randn(BATCH, length, *shape, generator=generator))
        for name, shape in structure.shapes(WIDTH).items()
    }
    leaves = [value.requires_grad_() for value in parameters.values()]
    initial = torch.randn(BATCH, WIDTH, generator=generator)

    def step() -> list[Tensor]:
        moves = transitions(structure, "first_order", parameters)
        states = ops.structured_scan(moves, initial, backend)
        gradients = torch.autograd.grad(states, leaves, torch.ones_like(states))
        return [states.detach(), *gradients]

    return step


def main() -> list[dict[str, Any]]:
    """Measure and print the three tables; return their rows."""
    rows = []
    for structure in STRUCTURES:
        backends = ["reference", "chunked"]
        if isinstance(structure, (Diagonal, BlockDiagonal, Dense)):
            backends.append("parallel")
        rows += [_measured("structures", structure, LENGTH, backend) for backend in backends]
    for structure in STRUCTURES:
        rows += [_measured("length", structure, length, "chunked") for length in LENGTHS]
    for structure in (Diagonal(), *(BlockDiagonal(block_size=b) for b in BLOCK_SIZES)):
        for backend in ("chunked", "parallel"):
            rows.append(_measured("blocks", structure, LENGTH, backend))
    for table in ("structures", "length", "blocks"):
        _show(table, [row for row in rows if row["table"] == table])
    return rows


def _measured(table: str, structure: Structure, length: int, backend: str) -> dict[str, Any]:
    step = scan(structure, length, backend)
    results = step()  # compiles, and is checked
    expected = scan(structure, length, "reference")()
    pairs = zip(results, expected, strict=True)
    error = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
    if not error < 1e-4:
        raise ValueError(f"{structure} by {backend!r} is off by {error:.1e} of the largest entry")
    return {
        "table": table,
        "structure": str(structure),
        "backend": backend,
        "length": length,
        "multiplications": structure.cost(WIDTH),
        "cpu": asdict(Spread.of([_cpu_seconds(step) for _ in range(ROUNDS)])),
        "error": error,
    }


def _cpu_seconds(step: Callable[[], list[Tensor]]) -> float:
    start = process_time()
    step()
    return process_time() - start


def _show(table: str, rows: list[dict[str, Any]]) -> None:
    diagonal = {
        (row["backend"], row["length"]): row["cpu"]["median"]
        for row in rows
        if row["structure"] == str(Diagonal())
    }
    cells = [
        [
            row["structure"],
            row["backend"],
            str(row["length"]),
            str(row["multiplications"]),
            Spread(**row["cpu"]).text(),
            f"{row['cpu']['median'] / row['length'] * 1e6:.1f}",
            f"{row['cpu']['median'] / diagonal[row['backend'], row['length']]:.1f}",
        ]
        for row in rows
    ]
    header = ("structure", "backend", "length", "mult.", "CPU s", "us per step", "of diagonal's")
    report.show(f"Structured scan, batch {BATCH}, width {WIDTH}: {table}", header, cells)


if __name__ == "__main__":
    main()
