"""Points on one call after another: that nothing but the input and the weights decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault
from experiments.bench.contract.globals import kept
from experiments.bench.contract.subject import apart
from experiments.short_traceback import told

if TYPE_CHECKING:
    from experiments.bench.contract.subject import Subject


def determinism(subject: Subject) -> str:
    """See that two calls are equal in evaluation mode, and torch's seed decides the weights."""
    import torch

    one, other = (subject.build(dtype=subject.dtype, foreign=seed) for seed in (1, 2))
    again = other.state_dict()
    for name, tensor in one.state_dict().items():
        if not torch.equal(tensor, again[name]):
            raise Fault(
                f"two modules built from one seed of torch differ in {name}",
                "draw initial values by torch, from its global generator, and not by NumPy's",
            )
    x = subject.inputs()
    first = subject.map(x, one, draw=1)
    second = subject.map(x, subject.build(dtype=subject.dtype), draw=2)
    if (far := apart(first, second)) > 1e-3 * subject.tolerance:
        raise Fault(f"in evaluation mode two calls on one input differ by {far:.1g} of the largest")
    return "two calls in evaluation mode are equal"


def calls(subject: Subject) -> str:
    """See that nothing is kept from one call to the next, and the input is left as it is."""
    model, x = subject.build(dtype=subject.dtype), subject.inputs()
    try:
        first = subject.map(x, model)
        for seed in range(1, 8):  # what changes after some calls, and not at once
            subject.map(subject.inputs(seed=seed), model)
        second = subject.map(x, model)
        subject.map(subject.inputs(rows=2, time=subject.length // 2 + 1), model)
        third = subject.map(x, model)
    except Exception as error:
        subject.isolated = True
        raise Fault(
            f"a call after others fails, and the first did not: "
            f"{told(error, subject.candidate.files)}"
        ) from error
    if (far := max(apart(first, second), apart(first, third))) > subject.tolerance:
        subject.isolated = True
        raise Fault(f"a call after another input differs from the first by {far:.1g}")
    _see_input(subject)
    return "a call after others equals the first"


def _see_input(subject: Subject) -> None:
    """Raise if a call writes into what it is given."""
    model, x = subject.build(dtype=subject.dtype), subject.inputs()
    before = x.clone()
    with kept(subject.changed):
        model(x)
    if apart(before, x) > 0:
        raise Fault(
            "it writes into its input", "write into a copy: what was given belongs to the caller"
        )
