"""MesaNet's linear systems on the CPU, forward and backward in float32.

Ours are the exact solution and 30 steps of conjugate gradients. Beside them, where package fla-core
is installed, stands the reference that flash-linear-attention publishes, `naive_mesa_net_exact`, a
loop. Outputs and all gradients are compared. Its `naive_mesa_net_CG` is left out: 30 steps that are
differentiated one by one, with 1e-5 added to denominators, miss the gradients by 6e-3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import gradients, peers
from benchmarks.worker import Work
from seq_torch import ops
from seq_torch.mixers.parts.ridge import solved_by_steps, solved_exactly

# batch, heads, time, key and value
SHAPES = ((1, 4, 512, 16), (1, 4, 256, 32))
STEPS = 30
FILE = "ops/mesa_net/naive.py"
LABELS = {
    "exact": "seq_torch, exact",
    "steps": "seq_torch, 30 conjugate gradients",
}


def mesa_net(sizes: list[int], *, form: str) -> Work:
    """Prepare a step of one contender on inputs that all of them share."""
    normal, (batch, heads, time, key) = gradients.normal(), sizes
    inputs = {
        "q": normalize(normal(batch, heads, time, key), dim=-1),
        "k": normalize(normal(batch, heads, time, key), dim=-1),
        "v": normal(batch, heads, time, key),
        "log_decay": -0.1 * normal(batch, heads, time).abs(),
        "strength": torch.sigmoid(normal(batch, heads, time)),
        "ridge": 0.5 + torch.sigmoid(normal(heads, key)),
    }
    of_upstream = form == peers.PEER
    scan = _of_fla() if of_upstream else _ours
    options = {} if of_upstream else {"form": form}
    step = gradients.step(scan, inputs, **options)
    return gradients.work(step, peers.package(form), gradients.step(_ours, inputs, form="exact"))


def _ours(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    strength: Tensor,
    ridge: Tensor,
    *,
    form: str,
) -> Tensor:
    decay, strength = log_decay.exp(), strength[..., None]
    zeros = q.new_zeros(*q.shape[:2], q.shape[-1], q.shape[-1])
    given = (q, k, strength * k, decay, ridge[:, None], zeros)
    exact = form == "exact"
    z = solved_exactly(*given) if exact else solved_by_steps(*given, steps=STEPS)
    found = ops.outer_scan(z, k[:, :, :, None], (strength * v)[:, :, :, None], decay)
    assert isinstance(found, Tensor)
    return found


def _of_fla() -> Callable[..., Tensor]:
    """Upstream's solution, which takes (batch, time, head, channel)."""
    naive = peers.of_fla(FILE).naive_mesa_net_exact

    def call(
        q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, strength: Tensor, ridge: Tensor
    ) -> Tensor:
        q, k, v, g, beta = (x.transpose(1, 2) for x in (q, k, v, log_decay, strength))
        return naive(q, k, v, g, ridge, beta)[0].transpose(1, 2)

    return call


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    labels, rows = peers.with_fla(LABELS, "flash-linear-attention, naive_mesa_net_exact"), []
    for sizes in SHAPES:
        title = f"MesaNet (batch, heads, time, key) = {sizes}, forward and backward"
        rows += peers.side_by_side(title, labels, mesa_net, way="form", sizes=list(sizes))
    return rows
