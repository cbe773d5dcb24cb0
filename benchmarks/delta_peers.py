"""The gated delta rule on the CPU beside other plain code, in float32 on one thread.

`ops.delta_scan` by its compiled kernels and by chunks in plain torch, beside what transformers runs
where flash-linear-attention is missing, `torch_chunk_gated_delta_rule`, and beside the plain chunks
that flash-linear-attention's tests compare with. All are given the same numbers, in one process and
in turns; a time is processor time, a mean over calls in a row. Errors are those of output and
gradients against our loop in float64, under usual and under strong decays.

`benchmarks/peers.py` says how to install the peers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import peers, report, turns
from benchmarks.gradients import difference, step
from seq_torch import ops

# batch, time, heads, key, value
SHAPES = (
    (1, 256, 4, 16, 16),
    (8, 64, 4, 16, 16),
    (4, 512, 4, 32, 32),
    (1, 2048, 4, 64, 64),
    (2, 1024, 2, 128, 128),
    (1, 1000, 8, 64, 128),
    (8, 512, 4, 64, 64),
    (1, 2048, 16, 128, 128),
)
CHECKED = (1, 200, 2, 64, 64)
USUAL, STRONG = 0.1, 30.0  # of the logarithms of decays, normal numbers without their sign
ROUNDS = 5
Scan = Callable[..., Tensor]


def _ours(backend: str) -> Scan:
    def scan(**inputs: Tensor) -> Tensor:
        q, k, v, g, beta = (value.transpose(1, 2) for value in inputs.values())
        q = q * k.shape[-1] ** -0.5  # as the peers do
        k, v, beta = (value.unsqueeze(3) for value in (k, v, beta))
        output = ops.delta_scan(q, k, v, beta, g, backend=backend)
        assert isinstance(output, Tensor)
        return output.transpose(1, 2)

    return scan


def _transformers(**inputs: Tensor) -> Tensor:
    module = import_module("transformers.models.qwen3_next.modeling_qwen3_next")
    # What is wrapped is the plain code, whether or not there are kernels to take its place.
    return inspect.unwrap(module.torch_chunk_gated_delta_rule)(**inputs)[0]


def _fla(**inputs: Tensor) -> Tensor:
    module = import_module("fla.ops.gated_delta_rule.naive")
    names = {"query": "q", "key": "k", "value": "v"}
    named = {names.get(name, name): value for name, value in inputs.items()}
    return module.naive_chunk_gated_delta_rule(**named)[0]


CONTENDERS: dict[str, tuple[Scan, str, str]] = {  # what runs, its module and its package
    "delta_scan, fused": (_ours("fused"), "seq_torch", "seq-torch"),
    "delta_scan, chunked": (_ours("chunked"), "seq_torch", "seq-torch"),
    "torch_chunk_gated_delta_rule": (_transformers, "transformers", "transformers"),
    "naive_chunk_gated_delta_rule": (_fla, "fla", "fla-core"),
}


def _inputs(sizes: tuple[int, ...], decay: float) -> dict[str, Tensor]:
    """As the peers take them: (batch, time, head, channel)."""
    batch, time, heads, key, value = sizes
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(batch, time, heads, *shape, generator=generator)

    return {
        "query": normal(key),
        "key": normalize(normal(key), dim=-1),
        "value": normal(value),
        "g": -decay * normal().abs(),
        "beta": torch.sigmoid(normal()),
    }


def _results(scan: Scan, inputs: dict[str, Tensor], gradients: bool = True) -> list[Tensor]:
    """Output alone, or with the gradients of all inputs."""
    if not gradients:
        with torch.no_grad():
            return [scan(**inputs)]
    return step(scan, inputs)()


def _error(scan: Scan, decay: float) -> float:
    """Largest difference from the loop in float64, relative to the largest entry of its tensor."""
    inputs = _inputs(CHECKED, decay)
    exact = _results(_ours("reference"), {name: value.double() for name, value in inputs.items()})
    return difference(_results(scan, inputs), exact)


def main() -> list[dict[str, Any]]:
    """Measure every shape, print the tables, and return their rows."""
    torch.set_num_threads(1)
    rows, scans = [], {}
    for name, (scan, version) in peers.importable(CONTENDERS).items():
        scans[name] = scan
        errors = {"error": _error(scan, USUAL), "error_strong": _error(scan, STRONG)}
        rows.append({"label": name, "version": version} | errors)
    _show_errors(rows)
    for gradients in (False, True):
        timed = [_row(scans, sizes, gradients) for sizes in SHAPES]
        _show_times("forward and backward" if gradients else "forward", timed)
        rows += timed
    return rows


def _row(scans: dict[str, Scan], sizes: tuple[int, ...], gradients: bool) -> dict[str, Any]:
    inputs = _inputs(sizes, USUAL)
    calls = {name: partial(_results, scan, inputs, gradients) for name, scan in scans.items()}
    seconds = turns.timed(calls, ROUNDS)
    return {"sizes": sizes, "gradients": gradients, "cpu_seconds": seconds}


def _show_errors(rows: list[dict[str, Any]]) -> None:
    title = f"gated delta rule, (batch, time, heads, key, value) = {CHECKED}"
    header = ("", "version", f"error, decays of {USUAL}", f"error, decays of {STRONG}")
    errors = ("error", "error_strong")
    lines = [[row["label"], row["version"], *(f"{row[e]:.1e}" for e in errors)] for row in rows]
    report.show(title, header, lines)


def _show_times(passes: str, rows: list[dict[str, Any]]) -> None:
    header = ("(batch, time, heads, key, value)", *rows[0]["cpu_seconds"])
    lines = [[str(row["sizes"]), *turns.cells(row["cpu_seconds"])] for row in rows]
    report.show(f"{passes}: milliseconds, then time / ours", header, lines)
