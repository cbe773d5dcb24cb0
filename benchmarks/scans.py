"""Selective scan and complex diagonal scan, forward and backward in float32 on the CPU.

The selective scan is set against mambapy's parallel scan and against the loop that mamba-ssm
publishes as its reference, written here anew, since mamba-ssm cannot be imported without its
extension; its cost is linear in the batch, so one sequence is timed and multiplied. The complex
diagonal scan is set against that of s5-pytorch. All of a contender's gradients are compared with
ours, and ours with the loop in double precision. Last, how our time and memory scale.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from time import process_time
from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import MEBIBYTE, Contender, Spread, compare, version
from benchmarks.worker import Work
from seq_torch import ops

SELECTIVE = ((8, 100, 256, 256), (8, 1024, 64, 16))  # batch, time, dim, state
DIAGONAL = ((8, 1024, 64), (8, 16384, 64))  # batch, time, state
SCALING = {
    "length": [(1, time, 64, 16) for time in (256, 1024, 4096, 16384)],
    "batch": [(batch, 1024, 64, 16) for batch in (1, 2, 4, 8)],
    "state": [(1, 1024, 64, state) for state in (4, 16, 64, 256)],
}
ROUNDS = 3


def ours_selective(sizes: list[int]) -> Work:
    """`seq_torch.ops.selective_scan`."""
    inputs = _selective_inputs(*sizes)
    step = gradients.step(ops.selective_scan, inputs)
    error = double_error(step(), inputs)  # compiles
    facts = {"extra_over_own": extra_memory(step, inputs), "error": error}
    return gradients.work(step, version("seq-torch"), facts=facts)


def mambapy_selective(sizes: list[int]) -> Work:
    """Peer: mambapy's parallel scan around its discretisation."""
    from mambapy.pscan import pscan

    def scan(u: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor) -> Tensor:
        u, delta = u.mT.unsqueeze(-1), delta.mT.unsqueeze(-1)
        drive = delta * B.mT.unsqueeze(2) * u
        states = pscan(torch.exp(delta * A), drive)
        return (states @ C.mT.unsqueeze(-1)).squeeze(3).mT

    inputs = _selective_inputs(*sizes)
    return gradients.work(
        gradients.step(scan, inputs), version("mambapy"), gradients.step(ops.selective_scan, inputs)
    )


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
    return gradients.work(
        gradients.step(scan, inputs), version("torch"), gradients.step(ops.selective_scan, inputs)
    )


def ours_diagonal(sizes: list[int]) -> Work:
    """`seq_torch.ops.linear_scan` with complex factors that do not change with time."""
    inputs = _diagonal_inputs(*sizes)
    step = gradients.step(ops.linear_scan, inputs)
    step()  # compiles
    facts = {"extra_over_own": extra_memory(step, inputs)}
    return gradients.work(step, version("seq-torch"), facts=facts)


def s5_diagonal(sizes: list[int]) -> Work:
    """s5-pytorch's associative scan with its operator, mapped over the batch as its layer does."""
    from s5.jax_compat import associative_scan
    from s5.s5_model import binary_operator

    def one(a: Tensor, b: Tensor) -> Tensor:
        return associative_scan(binary_operator, (a.expand(b.shape), b))[1]

    inputs = _diagonal_inputs(*sizes)
    mapped = torch.vmap(one, in_dims=(None, 0))
    return gradients.work(
        gradients.step(lambda a, b: mapped(a, b), inputs),
        version("s5-pytorch"),
        gradients.step(ops.linear_scan, inputs),
    )


def double_error(results: list[Tensor], inputs: dict[str, Tensor]) -> float:
    """Largest error of output and gradients against the loop over time in double precision.

    Relative to the largest entry of each. One sequence at a time, since the loop holds its states.
    """
    parts = []
    for i in range(len(inputs["u"])):
        one = {k: v if k == "A" else v[i : i + 1] for k, v in inputs.items()}
        leaves = {k: v.detach().double().requires_grad_() for k, v in one.items()}
        parts.append(gradients.step(_reference, leaves)())
    position = 1 + list(inputs).index("A")
    exact = [
        torch.stack(same).sum(0) if k == position else torch.cat(same)
        for k, same in enumerate(zip(*parts, strict=True))
    ]
    error = gradients.difference(results, exact)
    if not error < 1e-5:
        raise ValueError(f"output or gradients are off by {error:.1e} of the largest entry")
    return error


def _reference(**inputs: Tensor) -> Tensor:
    return ops.selective_scan(**inputs, backend="reference")


def extra_memory(step: gradients.Step, inputs: dict[str, Tensor]) -> float:
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
    normal = gradients.normal()
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


def scaling() -> list[dict[str, Any]]:
    """Print and return our processor time and memory against length, batch and state."""
    rows = []
    for axis, shapes in SCALING.items():
        for sizes in shapes:
            inputs = _selective_inputs(*sizes)
            step = gradients.step(ops.selective_scan, inputs)
            step()
            spread = Spread.of([_cpu_seconds(step) for _ in range(ROUNDS)])
            own = sum(2 * t.numel() * t.element_size() for t in inputs.values())
            extra = extra_memory(step, inputs)
            rows.append(
                {"axis": axis, "sizes": sizes, "cpu": asdict(spread), "extra": extra, "own": own}
            )
        cells = [
            [
                str(row["sizes"]),
                Spread(**row["cpu"]).text(),
                f"{row['cpu']['median'] / math.prod(row['sizes']) * 1e9:.2f}",
                f"{row['own'] / MEBIBYTE:.2f}",
                f"{row['extra']:.2f}",
            ]
            for row in rows
            if row["axis"] == axis
        ]
        header = ("(batch, time, dim, state)", "CPU s", "ns per state and step", "MiB", "extra")
        title = f"Our selective scan, forward and backward, against {axis}"
        report.show(title, header, cells)
    print("MiB: inputs and their gradients. Extra: peak beyond those and the output, of them.\n")
    return rows


def _cpu_seconds(step: gradients.Step) -> float:
    start = process_time()
    step()
    return process_time() - start


def _contenders(sizes: tuple[int, ...], labels: dict[str, str]) -> list[Contender]:
    found = []
    for label, function in labels.items():
        alone = function == "published_selective"  # its cost is linear in the batch
        used = (1, *sizes[1:]) if alone else sizes
        arguments = {"sizes": list(used)}
        scale = float(sizes[0]) if alone else 1.0
        found.append(Contender(label, "benchmarks.scans", function, arguments, scale))
    return found


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
        measured = compare(_contenders(sizes, labels), ROUNDS)
        title = f"{title} = {sizes}, forward and backward"
        report.show_comparison(title, measured)
        facts = measured[0].facts
        print(f"Ours: peak extra memory {facts['extra_over_own']:.2f} of inputs, outputs and")
        print("gradients", end="")
        if "error" in facts:
            print(f"; largest error against double precision {facts['error']:.1e}", end="")
        print(".\n")
        rows += report.rows(title, measured)
    return rows + scaling()
