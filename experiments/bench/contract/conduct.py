"""Points on how a model behaves in the process that it shares with others."""

from __future__ import annotations

import io
import multiprocessing
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault
from experiments.bench.contract.globals import drawn, kept, stands
from experiments.bench.contract.subject import kind

if TYPE_CHECKING:
    import torch
    from torch import nn

    from experiments.bench.contract.subject import Subject

_ROWS = 8
_CALLS = 6  # of which the fastest counts
_TOKENS = 10**6  # of a short run
_HOURS = 1.0  # that such a run may take
_WORKERS = "seq_torch_"  # threads that this repository's kernels keep for their next call


class Witness:
    """What is printed and started while a model is under test."""

    def __init__(self) -> None:
        self.printed, self._threads, self._children = io.StringIO(), _threads(), _children()

    def started(self) -> list[str]:
        """Threads and processes that were not there, and still are."""
        threads = [f"thread {thread.name}" for thread in _threads() - self._threads]
        return sorted(threads) + sorted(_children() - self._children)


def prints(subject: Subject) -> str:
    """See that nothing is printed."""
    lines = subject.witness.printed.getvalue().splitlines()
    if lines:
        raise Fault(f"{len(lines)} lines on standard output, the first: {lines[0][:60]!r}")
    return "prints nothing"


def threads(subject: Subject) -> str:
    """See that no thread and no process is left behind."""
    if left := subject.witness.started():
        raise Fault(f"leaves {', '.join(left[:3])} behind")
    return "leaves no thread and no process behind"


def global_state(subject: Subject) -> str:
    """See that no generator is seeded, and no setting of the process changed."""
    ends = []
    for seed in (1, 2):
        with kept(subject.changed), drawn(seed, device=subject.device):
            model = subject.candidate.settings.build(subject.width).to(subject.device)
            model(subject.inputs(dtype=kind(model)))
            ends.append(stands())
    seeded = [name for name in ends[0] if ends[0][name] == ends[1][name]]
    said = [f"seeds the global generator of {name}" for name in seeded]
    said += [f"changes {name}: {how}" for name, how in subject.changed.items()]
    if said:
        raise Fault("; ".join(said))
    return "leaves generators and settings of the process alone"


def speed(subject: Subject) -> str:
    """Measure the microseconds that a token takes, here and now."""
    import torch

    subject.afford(3, subject.length, "one step of training")
    model = subject.build(dtype=torch.float32).train()
    x = subject.inputs(rows=_ROWS, dtype=torch.float32)
    forward, training = _microseconds(subject, model, x)
    subject.numbers.update(forward_microseconds=forward, training_microseconds=training)
    said = f"{forward:.3g} us a token forward, {training:.3g} us in training"
    if (hours := training * 1e-6 * _TOKENS / 3600) > _HOURS:
        raise Fault(f"{said}: a million tokens would take {hours:,.1f} h")
    return said


def _microseconds(subject: Subject, model: nn.Module, x: torch.Tensor) -> tuple[float, float]:
    """Least time of a token over calls: the first may compile, any may wait for other programs."""
    taken = [_timed(subject, model, x) for _ in range(2)]
    while len(taken) < _CALLS and sum(map(sum, taken)) < subject.patience / 10:
        taken.append(_timed(subject, model, x))
    forward, training = (
        1e6 * min(seconds) / x[..., 0].numel() for seconds in zip(*taken, strict=True)
    )
    return forward, training


def _timed(subject: Subject, model: nn.Module, x: torch.Tensor) -> tuple[float, float]:
    """Seconds of one call, and of one with gradients."""
    start = time.perf_counter()
    y = subject.map(x, model)
    forward = time.perf_counter() - start
    if y.requires_grad:
        y.square().mean().backward()
    return forward, time.perf_counter() - start


def _threads() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if not each.name.startswith(_WORKERS)}


def _children() -> set[str]:
    """Name the processes that this one has started, and that have not ended."""
    children = {f"process {child.pid}" for child in multiprocessing.active_children()}
    if sys.platform == "linux":
        for file in Path("/proc/self/task").glob("*/children"):
            children |= {f"process {pid}" for pid in file.read_text("ascii").split()}
    return children
