"""Log-linear attention on the CPU, forward and backward in float32, at two lengths.

Ours is a tree over chunks, with decays and with the delta rule, and the quadratic form, which is
one chunk of all positions. Beside them, where fla-core is installed, stands the reference that
flash-linear-attention publishes for decays, `naive_log_linear_attn`, quadratic too. Outputs and
all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch.mixers.parts.log_linear import levels_of, log_linear

# batch, heads, time, key, value
SHAPES = ((1, 4, 512, 32, 32), (1, 4, 1024, 32, 32))
FILE = "ops/log_linear_attn/naive.py"


def decays(sizes: list[int], *, form: str) -> Work:
    """Decays alone, as in log-linear Mamba-2."""
    return _compared(_inputs(sizes), form)


def delta_rule(sizes: list[int], *, form: str) -> Work:
    """Decays and the delta rule, as in log-linear gated DeltaNet."""
    inputs, normal = _inputs(sizes), gradients.normal()
    inputs["k"] = normalize(inputs["k"], dim=-1)
    return _compared(inputs | {"strength": torch.sigmoid(normal(*sizes[:3]))}, form)


def _inputs(sizes: list[int]) -> dict[str, Tensor]:
    normal, (*leading, key, value) = gradients.normal(), sizes
    return {
        "q": normal(*leading, key) * key**-0.5,
        "k": normal(*leading, key),
        "v": normal(*leading, value),
        "log_decay": -0.1 * normal(*leading).abs(),
        "weights": torch.sigmoid(normal(*leading, levels_of(leading[-1]))),
    }


def _compared(inputs: dict[str, Tensor], form: str) -> Work:
    scan = _of_fla() if form == peers.PEER else log_linear
    options = {} if form == peers.PEER else {"rows": 64 if form == "tree" else inputs["v"].shape[2]}
    ours = gradients.step(log_linear, inputs)
    return gradients.work(gradients.step(scan, inputs, **options), peers.package(form), ours)


def _of_fla() -> Callable[..., Tensor]:
    """Upstream's sum, which takes (batch, time, head, channel)."""
    naive = peers.of_fla(FILE).naive_log_linear_attn

    def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, weights: Tensor) -> Tensor:
        turned = (value.transpose(1, 2) for value in (q, k, v, log_decay, weights))
        return naive(*turned).transpose(1, 2)

    return call


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    ours, rows = {"tree": "seq_torch, a tree over chunks", "whole": "seq_torch, all pairs"}, []
    beside = peers.with_fla(ours, "flash-linear-attention, naive_log_linear_attn")
    ways = (("decays", decays, beside), ("delta rule", delta_rule, ours))
    for name, work, labels in ways:
        for sizes in SHAPES:
            axes = "(batch, heads, time, key, value)"
            title = f"Log-linear attention, {name} {axes} = {sizes}, forward and backward"
            rows += peers.side_by_side(title, labels, work, way="form", sizes=list(sizes))
    return rows
