"""The sLSTM on the CPU, in float32 on one thread, beside the plain backend of xlstm.

`ops.slstm_scan` by its compiled kernels and by the loop in plain torch, beside the cell of package
xlstm with ``backend="vanilla"``, which is what runs where there is no CUDA device. All are given
the same numbers, in one process and in turns; a time is processor time, a mean over calls in a row.
Output and gradients are compared with our loop in float64.

`benchmarks/peers.py` says how to install the peer.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from benchmarks import peers, report, turns
from benchmarks.gradients import difference, normal, step
from seq_torch import ops

# batch, time, heads, channels of a head
SHAPES = ((16, 128, 4, 16), (8, 256, 4, 32), (1, 1024, 4, 32), (8, 256, 4, 128))
CHECKED = (2, 100, 4, 16)
ROUNDS = 5
Scan = Callable[..., Tensor]


def _ours(backend: str) -> Scan:
    def scan(x: Tensor, weight: Tensor) -> Tensor:
        h = ops.slstm_scan(x, weight, backend=backend)
        assert isinstance(h, Tensor)
        return h

    return scan


def _vanilla(x: Tensor, weight: Tensor) -> Tensor:
    """Run the loop of its cell, without the layout of its module around it."""
    module = import_module("xlstm.blocks.slstm.src.vanilla")
    batch, heads, time, _, channels = x.shape
    width = heads * channels
    turned = x.permute(2, 0, 3, 1, 4).reshape(time, batch, 4 * width)
    states, _, _ = module.slstm_forward(
        turned,
        x.new_zeros(4, batch, width),
        weight.flatten(1, 2),
        x.new_zeros(4 * width),
        module.slstm_pointwise_function_registry["slstm"],
    )
    return states[0, 1:].unflatten(-1, (heads, channels)).permute(1, 2, 0, 3)


CONTENDERS: dict[str, tuple[Scan, str, str]] = {  # what runs, its module and its package
    "slstm_scan, fused": (_ours("fused"), "seq_torch", "seq-torch"),
    "slstm_scan, reference": (_ours("reference"), "seq_torch", "seq-torch"),
    "xlstm, vanilla": (_vanilla, "xlstm", "xlstm"),
}


def _inputs(sizes: tuple[int, ...]) -> dict[str, Tensor]:
    (batch, time, heads, channels), draw = sizes, normal()
    return {
        "x": draw(batch, heads, time, 4, channels),
        "weight": draw(heads, 4, channels, channels) / channels**0.5,
    }


def _error(scan: Scan) -> float:
    """Largest difference from the loop in float64, relative to the largest entry of its tensor."""
    inputs = _inputs(CHECKED)
    exact = step(_ours("reference"), {name: value.double() for name, value in inputs.items()})
    return difference(step(scan, inputs)(), exact())


def _call(scan: Scan, inputs: dict[str, Tensor], gradients: bool) -> Callable[[], object]:
    if gradients:
        return step(scan, inputs)
    return lambda: torch.no_grad()(scan)(**inputs)


def _row(scans: dict[str, Scan], sizes: tuple[int, ...], gradients: bool) -> dict[str, Any]:
    inputs = _inputs(sizes)
    calls = {name: _call(scan, inputs, gradients) for name, scan in scans.items()}
    seconds = turns.timed(calls, ROUNDS)
    return {"sizes": sizes, "gradients": gradients, "cpu_seconds": seconds}


def main() -> list[dict[str, Any]]:
    """Measure every shape, print the tables, and return their rows."""
    torch.set_num_threads(1)
    rows, scans = [], {}
    for name, (scan, version) in peers.importable(CONTENDERS).items():
        scans[name] = scan
        rows.append({"label": name, "version": version, "error": _error(scan)})
    header = ("", "version", "error")
    lines = [[row["label"], row["version"], f"{row['error']:.1e}"] for row in rows]
    report.show(f"sLSTM, (batch, time, heads, channels) = {CHECKED}", header, lines)
    for gradients in (False, True):
        timed = [_row(scans, sizes, gradients) for sizes in SHAPES]
        _show("forward and backward" if gradients else "forward", timed)
        rows += timed
    return rows


def _show(passes: str, rows: list[dict[str, Any]]) -> None:
    header = ("(batch, time, heads, channels)", *rows[0]["cpu_seconds"])
    lines = [[str(row["sizes"]), *turns.cells(row["cpu_seconds"])] for row in rows]
    report.show(f"{passes}: milliseconds, then time / ours", header, lines)
