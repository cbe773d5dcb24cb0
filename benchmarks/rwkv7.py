"""RWKV-7 on the CPU, forward and backward in float32: the recurrence, and one whole layer.

The recurrence is `ops.generalised_delta_scan` beside the plain loop that flash-linear-attention
publishes for it, where package fla-core is installed, and beside ours; the first rows have one
length after another, which shows what a longer sequence costs. The layer is the mixer beside itself
with its recurrence as a loop. Outputs and all gradients are compared.
"""

from __future__ import annotations

from typing import Any

from benchmarks import generalised_delta, peers
from benchmarks.worker import Work
from seq_torch import RWKV7Config

# batch, heads, time, key, value; a loop is timed at the first two lengths
LENGTHS = (512, 1024, 2048, 4096)
SHAPE = (1, 4, 64, 64)
LAYER = (4, 512, 256)  # batch, time, width; heads of 64


def layer(sizes: list[int], *, backend: str) -> Work:
    """One layer with other values than its start, whose output would be zero."""
    config = RWKV7Config(heads=sizes[-1] // 64, key_dim=64, value_dim=64, start="own")
    return peers.layer(config, sizes, backend)


def main() -> list[dict[str, Any]]:
    """Measure, print a table for each size, and return the rows."""
    rows = []
    for time in LENGTHS:
        batch, heads, key, value = SHAPE
        sizes = (batch, heads, time, key, value)
        title = f"RWKV-7 (batch, heads, time, key, value) = {sizes}, forward and backward"
        rows += peers.side_by_side(title, _ways(time), generalised_delta.rwkv_7, sizes=list(sizes))
    title = f"RWKV-7, a layer, (batch, time, width) = {LAYER}, forward and backward"
    labels = {"fused": "RWKV7Config, compiled", "reference": "RWKV7Config, a loop"}
    return rows + peers.side_by_side(title, labels, layer, sizes=list(LAYER))


def _ways(time: int) -> dict[str, str]:
    labels = {"fused": "seq_torch, compiled"}
    if time > LENGTHS[1]:
        return labels
    labels["reference"] = "loop over the steps"
    return peers.with_fla(labels, "flash-linear-attention, dplr_recurrence")
