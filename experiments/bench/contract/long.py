"""Points on sequences longer than those of training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault
from experiments.bench.contract.subject import kind
from experiments.short_traceback import told

if TYPE_CHECKING:
    import torch

    from experiments.bench.contract.subject import Subject


def length(subject: Subject) -> str:
    """Run it on sequences of many times the length."""
    ran = subject.length
    for time in _lengths(subject):
        subject.afford(2, time, f"{time} positions")
        try:
            _mapped(subject, time)
        except Exception as error:
            said = told(error, subject.candidate.files)
            raise Fault(f"runs at {ran} positions, and not at {time}: {said}") from error
        ran = subject.longest = time
    return f"runs up to {ran} positions, {subject.times} times {subject.length}"


def finite(subject: Subject) -> str:
    """See that outputs and gradients are finite at every such length."""
    sound = subject.length
    for time in (subject.length, *_lengths(subject)):
        x, y = _mapped(subject, time)
        if y.requires_grad:
            y.square().mean().backward()
        wrong = ~y.isfinite().all(-1).all(0)
        subject.longest = sound
        if wrong.any():
            raise Fault(f"not finite from position {int(wrong.nonzero()[0])} of {time} on")
        if x.grad is not None and not x.grad.isfinite().all():
            raise Fault(f"its gradient is not finite at {time} positions")
        sound = subject.longest = time
    return f"outputs and gradients are finite up to {sound} positions"


def _lengths(subject: Subject) -> list[int]:
    """Twice the length, and twice again, up to the longest."""
    longest = subject.length * subject.times
    doubled = [subject.length * 2**k for k in range(1, subject.times.bit_length())]
    return [*(time for time in doubled if time < longest), longest]


def _mapped(subject: Subject, time: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two rows of some length, with gradients, and what a module gives for them."""
    model = subject.build()
    x = subject.inputs(rows=2, time=time, dtype=kind(model)).requires_grad_()
    return x, subject.map(x, model)
