"""KDA and GDN-2 on the CPU, forward and backward in float32: the recurrences, and one whole layer.

The recurrence is `ops.generalised_delta_scan` beside the plain loops that flash-linear-attention
publishes, where package fla-core is installed, and beside ours; KDA has one length after another,
which shows what a longer sequence costs. The layers are mixers beside themselves with their
recurrence as a loop. Outputs and all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import generalised_delta, gradients, peers
from benchmarks.worker import Work
from seq_torch import KDAConfig, ops

# batch, heads, time, key, value; a loop is timed at the first two lengths
LENGTHS = (512, 1024, 2048, 4096)
SHAPE = (1, 4, 64, 64)
LAYER = (4, 512, 256)  # batch, time, width; heads of 64
LAYERS: dict[str, dict[str, Any]] = {
    "KDA": {},
    "CKDA": {"eigenvalues": "signed", "decay": "signed"},
    "GDN-2": {"gates": "channels"},
}


def gdn2(sizes: list[int], *, backend: str) -> Work:
    """Gated DeltaNet 2: decay every channel, erase and write by channels of their own."""
    normal, (batch, heads, time, key, value) = gradients.normal(), sizes
    inputs = {
        "q": normal(batch, heads, time, key),
        "k": normalize(normal(batch, heads, time, key), dim=-1),
        "v": normal(batch, heads, time, value),
        "g": -0.1 * normal(batch, heads, time, key).abs(),
        "b": torch.sigmoid(normal(batch, heads, time, key)),
        "w": torch.sigmoid(normal(batch, heads, time, value)),
    }
    ours = gradients.step(_gdn2, inputs, backend="fused")
    step = gradients.step(
        _gdn2_of_fla() if backend == peers.PEER else _gdn2, inputs, backend=backend
    )
    return gradients.work(step, peers.package(backend), ours)


def layer(sizes: list[int], switches: dict[str, Any], *, backend: str) -> Work:
    """One layer, at the start of the published layer alone."""
    heads = sizes[-1] // 64
    config = KDAConfig(heads=heads, key_dim=64, value_dim=64, start="own", **switches)
    return peers.layer(config, sizes, backend)


def _gdn2(
    q: Tensor, k: Tensor, v: Tensor, g: Tensor, b: Tensor, w: Tensor, *, backend: str
) -> Tensor:
    found = ops.generalised_delta_scan(q, k, w * v, g.exp() * b * k, -k, g, backend=backend)
    assert isinstance(found, Tensor)
    return found


def _gdn2_of_fla() -> Callable[..., Tensor]:
    scan = peers.of_fla("ops/gdn2/naive.py").naive_recurrent_gdn2

    def call(backend: str, **inputs: Tensor) -> Tensor:
        turned = {name: value.transpose(1, 2) for name, value in inputs.items()}
        return scan(**turned, scale=1.0)[0].transpose(1, 2)

    return call


def _scans(name: str, work: Callable[..., Work], time: int) -> list[dict[str, Any]]:
    batch, heads, key, value = SHAPE
    labels = {"fused": "seq_torch, compiled"}
    if time <= LENGTHS[1]:
        labels["reference"] = "loop over the steps"
        labels = peers.with_fla(labels, "flash-linear-attention, reference")
    sizes = [batch, heads, time, key, value]
    title = f"{name} (batch, heads, time, key, value) = {tuple(sizes)}, forward and backward"
    return peers.side_by_side(title, labels, work, sizes=sizes)


def main() -> list[dict[str, Any]]:
    """Measure, print a table for each size, and return the rows."""
    rows = []
    for time in LENGTHS:
        rows += _scans("KDA", generalised_delta.kda, time)
    rows += _scans("GDN-2", gdn2, LENGTHS[0])
    for name, switches in LAYERS.items():
        labels = {"fused": "KDAConfig, compiled", "reference": "KDAConfig, a loop"}
        title = f"{name}, a layer, (batch, time, width) = {LAYER}, forward and backward"
        given = {"sizes": list(LAYER), "switches": switches}
        rows += peers.side_by_side(title, labels, layer, **given)
    return rows
