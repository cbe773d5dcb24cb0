"""S4's kernel on the CPU: one pass forward and one backward, in float32.

Ours forms the sums over modes in blocks, twice, and holds one state of each conjugate pair. The
contender does what the formula says: one tensor over width, state and frequency, and one einsum
over it for the four sums, with all frequencies, or with the half that a real kernel needs. All take
the same parameters and compute the same output map of the truncated generating function, by the
same function: what they differ in is the sums alone. Kernels and gradients are compared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from benchmarks import gradients, report
from benchmarks.measure import MEBIBYTE, Contender, compare, version
from benchmarks.worker import Work
from seq_torch import S4DPLRConfig
from seq_torch.mixers.parts.dplr_kernel import dplr_kernel, lost

WIDTH, STATE = 64, 64
LENGTHS = (1024, 4096)
ROUNDS = 5
Kernel = Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]


def ours(width: int, state: int, length: int) -> Work:
    """`seq_torch`'s kernel."""
    parts = _parts(width, state)
    return _work(_step(dplr_kernel, parts, length))


def einsum(width: int, state: int, length: int, *, half: bool) -> Work:
    """One einsum over the tensor of poles, for all states and all frequencies, or half of them."""
    parts = _parts(width, state)
    kernel = partial(einsum_kernel, half=half)
    return _work(_step(kernel, parts, length), _step(dplr_kernel, parts, length))


def einsum_kernel(
    mu: Tensor, p: Tensor, b: Tensor, c: Tensor, length: int, *, half: bool
) -> Tensor:
    """Kernel of `dplr_kernel`, poles held at once; real coordinates become conjugate pairs."""
    rest = lost(mu, p, c, length)[0]
    left = torch.stack((rest.conj() * b, rest.conj() * p, p.conj() * b, p.conj() * p), 1) / 2
    products = torch.cat((left, left.conj()), -1)
    poles = torch.cat((mu, mu.conj()), -1)
    angle = torch.pi * torch.arange(length // 2 + 1 if half else length) / length
    sine, cosine = angle.sin(), angle.cos()
    inverse = 1 / (1j * sine - cosine * poles[..., None])
    direct, before, after, middle = torch.einsum("wrn,wnf->rwf", products, inverse)
    spectrum = direct - cosine * before * after / (1 + cosine * middle)
    spectrum = torch.complex(cosine, sine) * spectrum
    return (torch.fft.irfft(spectrum, n=length) if half else torch.fft.ifft(spectrum).real)[None]


def _parts(width: int, state: int) -> list[Tensor]:
    torch.manual_seed(0)
    module = S4DPLRConfig(state_dim=state).build(width)
    parts = (*module._system(), module._read_out())
    return [part.detach().requires_grad_() for part in parts]


def _step(kernel: Kernel, parts: list[Tensor], length: int) -> Callable[[], list[Tensor]]:
    """Forward, then the gradients of a fixed weighted sum; returns kernel and gradients."""
    weights = torch.linspace(1, 2, length)

    def step() -> list[Tensor]:
        values = kernel(*parts, length)
        return [values.detach(), *torch.autograd.grad((values * weights).sum(), parts)]

    return step


def _work(step: Callable[[], list[Tensor]], ours: Callable[[], list[Tensor]] | None = None) -> Work:
    def check(results: list[Tensor]) -> dict[str, Any]:
        if ours is None:
            return {}
        error = gradients.difference(results, ours())
        if not error < 1e-3:
            raise ValueError(f"kernel or gradients differ from ours by {error:.1e} of the largest")
        return {"difference": error}

    facts = {"allocated": allocated_peak(step)}
    threads = torch.get_num_threads()
    return Work(
        call=step,
        version=version("torch"),
        threads=threads,
        dtype="float32",
        check=check,
        facts=facts,
    )


def allocated_peak(step: Callable[[], list[Tensor]]) -> int:
    """Peak of torch's own allocations in one pass, in bytes."""
    step()
    with torch.profiler.profile(profile_memory=True) as profile:
        step()
    events = profile.profiler.kineto_results.events()
    held = peak = 0
    for _, change in sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]"):
        held += change
        peak = max(peak, held)
    return peak


def main() -> list[dict[str, Any]]:
    """Measure every length, print a table for each, and return the rows."""
    rows = []
    for length in LENGTHS:
        sizes = {"width": WIDTH, "state": STATE, "length": length}
        contenders = [
            Contender("seq_torch S4DPLR kernel", "benchmarks.s4_kernel", "ours", sizes),
            *(
                Contender(label, "benchmarks.s4_kernel", "einsum", sizes | {"half": half})
                for label, half in (("einsum", False), ("einsum, half the frequencies", True))
            ),
        ]
        measured = compare(contenders, ROUNDS)
        title = f"S4 kernel, width {WIDTH}, state {STATE}, length {length}, forward and backward"
        report.show_comparison(title, measured)
        mine = measured[0].facts["allocated"]
        for measurement in measured:
            peak = measurement.facts["allocated"]
            print(f"{measurement.label}: peak of allocations {peak / MEBIBYTE:.1f} MiB, ", end="")
            print(f"{peak / mine:.1f} times ours.")
        print()
        rows += report.rows(title, measured)
    return rows
