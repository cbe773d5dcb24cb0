"""Points on carrying a model elsewhere: to a worker, and to a file and back."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault
from experiments.bench.contract.subject import apart

if TYPE_CHECKING:
    from experiments.bench.contract.subject import Subject


def pickling(subject: Subject) -> str:
    """See that a worker can be sent what the model is made from; nothing is read back here."""
    sent = ForkingPickler.dumps(subject.candidate.settings)
    return f"what it is made from can be sent to a worker, in {len(sent):,} bytes"


def saving(subject: Subject) -> str:
    """See that the state dict holds all that outputs depend on, as a checkpoint needs it."""
    one, other = (subject.build(seed=seed, dtype=subject.dtype) for seed in (0, 1))
    other.load_state_dict(one.state_dict())
    x = subject.inputs()
    if (far := apart(subject.map(x, one), subject.map(x, other))) > subject.tolerance:
        raise Fault(f"a module with the state dict of another differs from it by {far:.1g}")
    return "its state dict holds all that it knows"
