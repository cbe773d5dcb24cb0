"""The generalised delta rule on the CPU, forward and backward in float32: KDA and RWKV-7.

Ours are the compiled kernels and the chunks in plain torch. Each is set against the loop that its
equation says and, where package fla-core is installed, against the references that
flash-linear-attention publishes, on the same inputs. Outputs and all gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from benchmarks import gradients, report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seq_torch import ops

# batch, heads, time, key, value
SHAPES = ((1, 4, 512, 64, 64), (4, 4, 1024, 32, 32))
ROUNDS = 3
PEER = "naive"
# Files of fla-core that need torch alone, beside a package whose import asks for a GPU's compiler.
KDA, RWKV_7 = "ops/kda/naive.py", "ops/generalized_delta_rule/dplr/naive.py"


def kda(sizes: list[int], *, backend: str) -> Work:
    """Kimi Delta Attention: decay every channel, then correct along the key."""
    normal, (batch, heads, time, key, _) = gradients.normal(), sizes
    inputs = _inputs(normal, sizes) | {
        "log_decay": -0.1 * normal(batch, heads, time, key).abs(),
        "beta": torch.sigmoid(normal(batch, heads, time)),
    }
    return _compared(_kda_of_fla() if backend == PEER else _kda, inputs, backend)


def rwkv_7(sizes: list[int], *, backend: str) -> Work:
    """RWKV-7: decay every channel, and remove along a key of its own."""
    normal, (batch, heads, time, key, _) = gradients.normal(), sizes
    inputs = _inputs(normal, sizes) | {
        "log_decay": -0.6 * torch.sigmoid(normal(batch, heads, time, key)),
        "removed": normalize(normal(batch, heads, time, key), dim=-1),
        "rate": torch.sigmoid(normal(batch, heads, time, key)),
    }
    return _compared(_rwkv_7_of_fla() if backend == PEER else _rwkv_7, inputs, backend)


def _inputs(normal: Callable[..., Tensor], sizes: list[int]) -> dict[str, Tensor]:
    *leading, key, value = sizes
    return {
        "q": normal(*leading, key),
        "k": normalize(normal(*leading, key), dim=-1),
        "v": normal(*leading, value),
    }


def _kda(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, *, backend: str
) -> Tensor:
    beta = beta[..., None]
    found = ops.generalised_delta_scan(
        q, k, beta * v, log_decay.exp() * k, -beta * k, log_decay, backend=backend
    )
    assert isinstance(found, Tensor)
    return found


def _rwkv_7(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    log_decay: Tensor,
    removed: Tensor,
    rate: Tensor,
    *,
    backend: str,
) -> Tensor:
    found = ops.generalised_delta_scan(
        q, k, v, -removed, rate * removed, log_decay, backend=backend
    )
    assert isinstance(found, Tensor)
    return found


def _kda_of_fla() -> Callable[..., Tensor]:
    scan = of_fla(KDA).naive_recurrent_kda

    def call(q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, beta: Tensor, **_: str) -> Tensor:
        turned = (value.transpose(1, 2) for value in (q, k, v, log_decay, beta))
        return scan(*turned, scale=1.0)[0].transpose(1, 2)

    return call


def _rwkv_7_of_fla() -> Callable[..., Tensor]:
    scan = of_fla(RWKV_7).dplr_recurrence

    def call(
        q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, removed: Tensor, rate: Tensor, **_: str
    ) -> Tensor:
        scaled = q * q.shape[-1] ** 0.5  # which it divides by
        return scan(scaled, k, v, -removed, rate * removed, log_decay)[0]

    return call


def of_fla(file: str) -> Any:
    """One file of fla-core, without the package around it."""
    package = util.find_spec("fla")
    assert package is not None
    assert package.origin is not None
    spec = util.spec_from_file_location("naive", Path(package.origin).parent / file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _compared(scan: Callable[..., Tensor], inputs: dict[str, Tensor], backend: str) -> Work:
    ours = gradients.step(_rwkv_7 if "rate" in inputs else _kda, inputs, backend="fused")
    step = gradients.step(scan, inputs, backend=backend)
    package = "fla-core" if backend == PEER else "seq-torch"
    return gradients.work(step, version(package), ours)


def _contenders(function: str, sizes: tuple[int, ...]) -> list[Contender]:
    labels = {
        "fused": "seq_torch, compiled",
        "chunked": "seq_torch, chunks in plain torch",
        "reference": "loop over the steps",
    }
    if util.find_spec("fla"):
        labels[PEER] = "flash-linear-attention, reference"
    return [
        Contender(
            label,
            "benchmarks.generalised_delta",
            function,
            {"sizes": list(sizes), "backend": backend},
        )
        for backend, label in labels.items()
    ]


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    rows = []
    for function, name in (("kda", "KDA"), ("rwkv_7", "RWKV-7")):
        for sizes in SHAPES:
            measured = compare(_contenders(function, sizes), ROUNDS)
            axes = "(batch, heads, time, key, value)"
            title = f"{name} {axes} = {sizes}, forward and backward"
            report.show_comparison(title, measured)
            rows += report.rows(title, measured)
    return rows
