"""RWKV-7 on the CPU, forward and backward in float32: the recurrence, and one whole layer.

The recurrence is `ops.generalised_delta_scan` beside the plain loop that flash-linear-attention
publishes for it, where package fla-core is installed, and beside ours; the first rows have one
length after another, which shows what a longer sequence costs. The layer is the mixer beside itself
with its recurrence as a loop. Outputs and all gradients are compared.
"""

from __future__ import annotations

from importlib import util
from typing import Any

import torch
from torch import Tensor

from benchmarks import generalised_delta, gradients, report
from benchmarks.measure import Contender, Measurement, compare, version
from benchmarks.worker import Work
from seq_torch import RWKV7Config, ops

# batch, heads, time, key, value; a loop is timed at the first two lengths
LENGTHS = (512, 1024, 2048, 4096)
SHAPE = (1, 4, 64, 64)
LAYER = (4, 512, 256)  # batch, time, width; heads of 64
ROUNDS = 3
PEER = generalised_delta.PEER


def layer(sizes: list[int], *, backend: str) -> Work:
    """One layer with other values than its start, whose output would be zero."""
    batch, time, width = sizes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = RWKV7Config(heads=width // 64, key_dim=64, value_dim=64, start="own")
        module = config.build(width)
    inputs = {"x": gradients.normal()(batch, time, width)}
    inputs |= {name: value.detach() for name, value in module.named_parameters()}

    def call(x: Tensor, backend: str, **weights: Tensor) -> Tensor:
        with ops.use_backend(backend):
            return torch.func.functional_call(module, weights, (x,))

    ours = gradients.step(call, inputs, backend="fused")
    step = gradients.step(call, inputs, backend=backend)
    return gradients.work(step, version("seq-torch"), ours)


def _scans(time: int) -> list[Measurement]:
    batch, heads, key, value = SHAPE
    labels = {"fused": "seq_torch, compiled"}
    if time <= LENGTHS[1]:
        labels["reference"] = "loop over the steps"
        if util.find_spec("fla"):
            labels[PEER] = "flash-linear-attention, dplr_recurrence"
    sizes = [batch, heads, time, key, value]
    module, function = "benchmarks.generalised_delta", "rwkv_7"
    contenders = [
        Contender(label, module, function, {"sizes": sizes, "backend": backend})
        for backend, label in labels.items()
    ]
    return compare(contenders, ROUNDS)


def _layers() -> list[Measurement]:
    labels = {"fused": "RWKV7Config, compiled", "reference": "RWKV7Config, a loop"}
    contenders = [
        Contender(label, "benchmarks.rwkv7", "layer", {"sizes": list(LAYER), "backend": backend})
        for backend, label in labels.items()
    ]
    return compare(contenders, ROUNDS)


def main() -> list[dict[str, Any]]:
    """Measure, print a table for each size, and return the rows."""
    rows = []
    for time in LENGTHS:
        batch, heads, key, value = SHAPE
        sizes = (batch, heads, time, key, value)
        title = f"RWKV-7 (batch, heads, time, key, value) = {sizes}, forward and backward"
        measured = _scans(time)
        report.show_comparison(title, measured)
        rows += report.rows(title, measured)
    title = f"RWKV-7, a layer, (batch, time, width) = {LAYER}, forward and backward"
    measured = _layers()
    report.show_comparison(title, measured)
    return rows + report.rows(title, measured)
