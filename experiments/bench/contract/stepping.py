"""Points on the model as a recurrence: its steps, and the bytes of its state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from experiments.bench.contract.finding import Fault, Skip
from experiments.bench.contract.globals import drawn, kept
from experiments.bench.contract.subject import apart, kind

if TYPE_CHECKING:
    import torch

    from experiments.bench.contract.subject import Subject


def step(subject: Subject) -> str:
    """See that steps give what the sequence gives, and leave the state that they are given."""
    model = _recurrent(subject)
    x = subject.inputs()
    whole = subject.map(x)
    outputs, states = zip(*_stepped(subject, model, x), strict=True)
    for at, (y, expected) in enumerate(zip(outputs, whole.unbind(1), strict=True)):
        if y.shape != expected.shape:
            raise Fault(f"a step gives {tuple(y.shape)}, expected {tuple(expected.shape)}")
        if (far := apart(y, expected)) > subject.tolerance:
            raise Fault(f"step {at} differs from the sequence by {far:.1g}")
    with kept(subject.changed), drawn(0, device=subject.device):
        again, _ = model.step(x[:, 1], states[0])
    if apart(again, outputs[1]) > subject.tolerance:
        raise Fault(
            "a step writes into the state that it is given",
            "make a new state, or write into a copy: the state before is still in use",
        )
    if callable(getattr(model, "prefill", None)):
        _see_prefill(subject, model, x, whole)
    return f"{len(outputs)} steps equal the sequence"


def _see_prefill(subject: Subject, model: Any, x: torch.Tensor, whole: torch.Tensor) -> None:
    """Raise if a part of the sequence, and a step after it, differ from the whole."""
    part = subject.length // 2
    with kept(subject.changed), drawn(0, device=subject.device):
        y, held = model.prefill(x[:, :part])
        after, _ = model.step(x[:, part], held)
    if (far := apart(y, whole[:, :part])) > subject.tolerance:
        raise Fault(f"prefill of {part} positions differs from the sequence by {far:.1g}")
    if (far := apart(after, whole[:, part])) > subject.tolerance:
        raise Fault(f"the step after prefill of {part} positions differs by {far:.1g}")


def state(subject: Subject) -> str:
    """See that the state of a row has as many bytes after many positions as after one."""
    model = _recurrent(subject, as_drawn=True)
    time = min(4 * subject.length, subject.longest)
    subject.afford(1, time, "steps")
    x = subject.inputs(rows=1, time=time, dtype=kind(model))
    sizes = [sum(_bytes(after)) for _, after in _stepped(subject, model, x)]
    if not sizes[0] and not sizes[-1]:
        raise Skip("its state holds no tensor that can be counted")
    if len(set(sizes)) > 1:
        raise Fault(
            f"{sizes[0]:,} bytes after one position, {sizes[-1]:,} after {time}: the state grows"
        )
    subject.numbers["state_bytes"] = float(sizes[0])
    return f"{sizes[0]:,} bytes a row, at any length"


def _recurrent(subject: Subject, *, as_drawn: bool = False) -> Any:
    """Give a module that was never called and has steps."""
    model = subject.build(dtype=None if as_drawn else subject.dtype)
    for name in ("initial_state", "step"):
        if not callable(getattr(model, name, None)):
            raise Skip(f"it has no `{name}`: whole sequences alone")
    return model


def _stepped(subject: Subject, model: Any, x: torch.Tensor) -> Iterator[tuple[torch.Tensor, Any]]:
    """Output at each position, and the state after it."""
    with kept(subject.changed), drawn(0, device=subject.device):
        held = model.initial_state(len(x))
        for x_k in x.unbind(1):
            y, held = model.step(x_k, held)
            yield y, held


def _bytes(held: Any) -> Iterator[int]:
    """Bytes of every tensor in a state, whatever holds it."""
    import torch

    if isinstance(held, torch.Tensor):
        yield held.numel() * held.element_size()
    elif isinstance(held, (tuple, list, set)):
        for part in held:
            yield from _bytes(part)
    elif isinstance(held, dict):
        yield from _bytes(list(held.values()))
    elif hasattr(held, "__dict__") and not isinstance(held, torch.nn.Module):
        yield from _bytes(list(vars(held).values()))
