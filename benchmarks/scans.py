"""Selective scan and complex diagonal scan, forward and backward in float32 on the CPU.

The selective scan is set against mambapy's parallel scan and against the loop that mamba-ssm
publishes as its reference, written here anew, since mamba-ssm cannot be imported without its
extension. The complex diagonal scan is set against that of s5-pytorch. All of a contender's
gradients are compared with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks import report
from benchmarks.measure import Contender, compare, version
from benchmarks.worker import Work
from seq_torch import ops

SELECTIVE = ((8, 100, 256, 256), (8, 1024, 64, 16))  # batch, time, dim, state
DIAGONAL = ((8, 1024, 64), (8, 16384, 64))  # batch, time, state
ROUNDS = 3
Step = Callable[[], list[Tensor]]


def ours_selective(sizes: list[int]) -> Work:
    """`seq_torch.ops.selective_scan`."""
    inputs = _selective_inputs(*sizes)
    step = _step(ops.selective_scan, inputs)
    step()  # compiles
    facts = {"extra_over_own": extra_memory(step, inputs)}
    return _work(step, version("seq-torch"), facts=facts)


def mambapy_selective(sizes: list[int]) -> Work:
    """Peer: mambapy's parallel scan around its discretisation."""
    from mambapy.pscan import pscan

    def scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        u, delta = u.mT.unsqueeze(-1), delta.mT.unsqueeze(-1)
        drive = delta * B.mT.unsqueeze(2) * u
        states = pscan(torch.exp(delta * A), drive)
        return (states @ C.mT.unsqueeze(-1)).squeeze(3).mT

    inputs = _selective_inputs(*sizes)
    return _work(_step(scan, inputs), version("mambapy"), _step(ops.selective_scan, inputs))


def published_selective(sizes: list[int]) -> Work:
    """Peer: the published reference algorithm, all factors by einsum, then a loop over time."""

    def scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        decay = torch.exp(torch.einsum("bdl,dn->bdln", delta, A))
        drive = torch.einsum("bdl,bnl,bdl->bdln", delta, B, u)
        state = A.new_zeros(u.shape[0], *A.shape)
        outputs = []
        for k in range(u.shape[2]):
            state = decay[:, :, k] * state + drive[:, :, k]
            outputs.append(torch.einsum("bdn,bn->bd", state, C[:, :, k]))
        return torch.stack(outputs, dim=2)

    inputs = _selective_inputs(*sizes)
    return _work(_step(scan, inputs), version("torch"), _step(ops.selective_scan, inputs))


def ours_diagonal(sizes: list[int]) -> Work:
    """`seq_torch.ops.linear_scan` with complex factors that do not change with time."""
    inputs = _diagonal_inputs(*sizes)
    step = _step(ops.linear_scan, inputs)
    step()  # compiles
    facts = {"extra_over_own": extra_memory(step, inputs)}
    return _work(step, version("seq-torch"), facts=facts)


def s5_diagonal(sizes: list[int]) -> Work:
    """s5-pytorch's associative scan with its operator, mapped over the batch as its layer does."""
    from s5.jax_compat import associative_scan
    from s5.s5_model import binary_operator

    def one(a: Tensor, b: Tensor) -> Tensor:
        return associative_scan(binary_operator, (a.expand(b.shape), b))[1]

    inputs = _diagonal_inputs(*sizes)
    mapped = torch.vmap(one, in_dims=(None, 0))
    return _work(
        _step(lambda a, b: mapped(a, b), inputs),
        version("s5-pytorch"),
        _step(ops.linear_scan, inputs),
    )


def extra_memory(step: Step, inputs: dict[str, Tensor]) -> float:
    """Peak of torch's allocations beyond inputs, outputs and gradients, relative to those."""
    with torch.profiler.profile(profile_memory=True) as profile:
        results = step()
    events = profile.profiler.kineto_results.events()
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    held = peak = 0
    for _, change in changes:
        held += change
        peak = max(peak, held)
    made = sum(t.numel() * t.element_size() for t in (*results, results[0]))  # and its gradient
    given = sum(t.numel() * t.element_size() for t in inputs.values())
    return max(0, peak - made) / (made + given)


def _selective_inputs(batch: int, time: int, dim: int, state: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator)

    inputs = {
        "u": normal(batch, dim, time),
        "delta": 0.1 * normal(batch, dim, time).abs(),
        "A": -normal(dim, state).abs(),
        "B": normal(batch, state, time),
        "C": normal(batch, state, time),
    }
    return {name: value.requires_grad_() for name, value in inputs.items()}


def _diagonal_inputs(batch: int, time: int, state: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    angle = torch.rand(state, generator=generator)
    b = torch.randn(batch, time, state, dtype=torch.complex64, generator=generator)
    inputs = {"a": torch.polar(torch.full((state,), 0.99), angle), "b": b}
    return {name: value.requires_grad_() for name, value in inputs.items()}


def _step(function: Callable[..., Tensor], inputs: dict[str, Tensor]) -> Step:
    """Forward, then the gradients of a fixed weighted sum; returns output and gradients."""

    def step() -> list[Tensor]:
        output = function(**inputs)
        leaves = list(inputs.values())
        return [output.detach(), *torch.autograd.grad(output, leaves, torch.ones_like(output))]

    return step


def _work(
    step: Step, name: str, ours: Step | None = None, facts: dict[str, Any] | None = None
) -> Work:
    def check(results: list[Tensor]) -> dict[str, Any]:
        if ours is None:
            return {}
        pairs = zip(results, ours(), strict=True)
        error = max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)
        if not error < 1e-3:
            raise ValueError(f"output or gradients differ from ours by {error:.1e} of the largest")
        return {"difference": error}

    return Work(
        call=step,
        version=name,
        threads=torch.get_num_threads(),
        dtype="float32",
        check=check,
        facts=facts or {},
    )


def main() -> list[dict[str, Any]]:
    """Measure every shape, print a table for each, and return the rows."""
    selective = {
        "seq_torch selective_scan": "ours_selective",
        "mambapy pscan": "mambapy_selective",
        "published reference loop": "published_selective",
    }
    diagonal = {"seq_torch linear_scan": "ours_diagonal", "s5-pytorch scan": "s5_diagonal"}
    works = [("selective scan (batch, time, dim, state)", s, selective) for s in SELECTIVE]
    works += [("complex diagonal scan (batch, time, state)", s, diagonal) for s in DIAGONAL]
    rows = []
    for title, sizes, labels in works:
        measured = compare(
            [
                Contender(label, "benchmarks.scans", function, {"sizes": list(sizes)})
                for label, function in labels.items()
            ],
            ROUNDS,
        )
        title = f"{title} = {sizes}, forward and backward"
        report.show_comparison(title, measured)
        extra = measured[0].facts["extra_over_own"]
        print(f"Ours: peak extra memory {extra:.2f} of inputs, outputs and gradients.\n")
        rows += report.rows(title, measured)
    return rows
