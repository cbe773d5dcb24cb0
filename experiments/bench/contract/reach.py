"""Points on what an output depends on: its own row, and no later position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault, Skip
from experiments.bench.contract.subject import apart

if TYPE_CHECKING:
    import torch
    from torch import nn

    from experiments.bench.contract.subject import Subject

_AHEAD = ("theory", "tracking", "recall", "memory")


def rows(subject: Subject) -> str:
    """See that a row's outputs and gradients are what they are without the other rows."""
    x = subject.inputs()
    whole = subject.map(x)
    for row in range(len(x)):
        if (far := apart(whole[row], subject.map(x[row : row + 1])[0])) > subject.tolerance:
            raise Fault(f"row {row} of {len(x)} differs by {far:.1g} from that row alone")
    leak = _gradient(subject, x, lambda y: y[0])
    if (far := _share(leak[1:], leak)) > subject.tolerance:
        raise Fault(f"the gradient of row 0 reaches other rows, with {far:.1g} of its largest")
    subject.separate = True
    return "a row alone, and beside others, is the same"


def causality(subject: Subject) -> str:
    """See that no output, and no gradient of one, depends on a later position."""
    if not subject.candidate.settings.causal:
        raise Skip("its settings say that it looks ahead", _AHEAD)
    time = min(5 * subject.length + 1, subject.longest)
    subject.afford(4, time, "causality")
    _see_values(subject, subject.model, subject.length, range(1, subject.length))
    _see_values(subject, subject.model, time, range(1, time))  # in chunks of 16 and 64, say
    _see_values(subject, subject.model, subject.longest, range(32, subject.longest, 32))
    x = subject.inputs()
    for at in (0, subject.length // 2, subject.length - 2):
        slope = _gradient(subject, x, lambda y, at=at: y[:, at])
        if (far := _share(slope[:, at + 1 :], slope)) > subject.tolerance:
            raise Fault(
                f"the gradient of position {at} reaches later ones, with {far:.1g} of its largest"
            )
    return "no output and no gradient depends on a later position"


def training(subject: Subject) -> str:
    """See that no output depends on a later position in training mode either."""
    subject.separate = False  # rows may meet in training mode, as those of BatchNorm do
    model = subject.build(dtype=subject.dtype).train()
    _see_values(subject, model, subject.length, range(1, subject.length))
    return "no output depends on a later position, in training mode"


def prefix(subject: Subject) -> str:
    """See that the outputs of a beginning are those of the whole, at its positions."""
    x = subject.inputs(time=subject.longest)
    length = subject.length
    whole = subject.map(x[:, :length])
    for time in sorted({1, 2, 7, length - 1}):
        if (far := apart(subject.map(x[:, :time]), whole[:, :time])) > subject.tolerance:
            raise Fault(f"the first {time} of {length} positions alone differ by {far:.1g}")
    if subject.longest > length:
        subject.afford(1, subject.longest, "a long sequence")
        if (far := apart(subject.map(x)[:, :length], whole)) > subject.tolerance:
            raise Fault(f"the first {length} of {subject.longest} positions differ by {far:.1g}")
    return "a beginning alone, and of a longer sequence, is the same"


def _see_values(subject: Subject, model: nn.Module, time: int, cuts: Sequence[int]) -> None:
    """Raise if outputs before any of these cuts change when the inputs from there on do.

    Rows that do not meet are mapped in one call, a row for each cut; others call by call.
    """
    import torch

    x, noise = subject.inputs(time=time), 1 + subject.inputs(time=time, seed=1)
    if not subject.separate:
        cuts = sorted({cuts[0], cuts[len(cuts) // 2], cuts[-1]}) if cuts else ()
    later = torch.arange(time, device=x.device)
    changed = [x + noise * (later >= cut)[:, None] for cut in cuts]
    if subject.separate:
        rows = torch.cat([x[:1], *(other[:1] for other in changed)])
        same, *others = subject.map(rows, model).split(1)
    else:
        same, *others = (subject.map(given, model) for given in (x, *changed))
    for cut, other in zip(cuts, others, strict=True):
        _compare(subject, same, other, cut)


def _compare(subject: Subject, same: torch.Tensor, other: torch.Tensor, cut: int) -> None:
    if apart(same[:, :cut], other[:, :cut]) <= subject.tolerance:
        return
    first = (same - other).abs().amax((0, 2)) > subject.tolerance * same.abs().max()
    raise Fault(
        f"output {int(first.nonzero()[0])} of {same.shape[1]} depends on inputs from {cut} on"
    )


def _gradient(
    subject: Subject, x: torch.Tensor, part: Callable[[torch.Tensor], torch.Tensor]
) -> torch.Tensor:
    """Gradient by the input of a random sum over a part of the outputs."""
    import torch

    x = x.clone().requires_grad_()
    y = part(subject.map(x))
    if not y.requires_grad:  # of which the point on gradients speaks
        return torch.zeros_like(x)
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).to(y)
    (slope,) = torch.autograd.grad((y * weights).sum(), x, allow_unused=True)
    return torch.zeros_like(x) if slope is None else slope


def _share(part: torch.Tensor, whole: torch.Tensor) -> float:
    """Largest number of a part, relative to the largest of the whole."""
    scale = whole.abs().max().item()
    return part.abs().max().item() / scale if scale and part.numel() else 0.0
