"""Points on the form of a model: what it is made from, its shapes, types and device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from experiments.bench.contract.finding import Fault, Skip
from experiments.bench.contract.observed import observed
from experiments.bench.contract.subject import apart, kind
from experiments.short_traceback import told

if TYPE_CHECKING:
    import torch

    from experiments.bench.contract.subject import Subject

_SHARE = 0.25  # of all numbers, in double precision: sums and constants are well below


def shape(subject: Subject) -> str:
    """See that it is built from its width alone, and maps a shape to itself."""
    model = subject.build()
    subject.numbers["parameters"] = float(sum(p.numel() for p in model.parameters()))
    for rows, time in ((3, subject.length), (1, 7), (2, 1), (1, 1)):
        x = subject.inputs(rows, time, dtype=kind(model))
        subject.map(x, subject.build())
    seen = f"{subject.numbers['parameters']:,.0f} parameters; also one row and one position"
    return f"{seen}; gives zeros as drawn, so zeros are drawn anew" if subject.silent else seen


def dtype(subject: Subject) -> str:
    """See that a model of single precision holds no double, and is double after ``.double()``."""
    single, double = _single(subject), _double(subject)
    if double:
        _settle(subject)
    if single or double:
        raise Fault("; ".join(filter(None, (single, double))))
    share = subject.numbers["double_share"]
    inside = f"{share:.1%} of its numbers float64" if share else "throughout"
    return f"float32 {inside}, float64 after .double()"


def device(subject: Subject) -> str:
    """Move it to a CUDA device, or to the one that stores nothing, and see that all follows."""
    import torch

    where = "cuda" if torch.cuda.is_available() else "meta"
    model = subject.build().to(where)
    x = subject.inputs(dtype=kind(model))
    try:
        y, seen = observed(lambda: subject.map(x.to(where), model))
    except (RuntimeError, NotImplementedError, TypeError) as error:
        if _leaves(error):
            raise Fault(f"mixes {where} and cpu: {_line(error)}") from error
        if where == "cuda":
            raise
        raise Skip(f"no CUDA device here, and without numbers: {_line(error)}") from error
    if seen.mixed:
        raise Fault(f"on {where}, {seen.mixed[0]} is given tensors of two devices")
    if y.device.type != where:
        raise Fault(f"its output is on {y.device.type}, its input and parameters on {where}")
    if where == "cuda" and apart(y.cpu(), subject.map(x.cpu(), subject.build())) > 1e-3:
        raise Fault("its outputs on cuda and cpu differ")
    return f"follows its parameters to {where}"


def _single(subject: Subject) -> str:
    """Say where a model of single precision holds double; nothing, where it does not."""
    import torch

    model = subject.build()
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if str(tensor.dtype) in ("torch.float64", "torch.complex128"):
            return f"{name} is {_word(tensor.dtype)} in a model of float32"
    x = subject.inputs(dtype=torch.float32)
    y, seen = observed(lambda: subject.map(x, model))
    by = f": `{seen.promoted[0]}` of float32 and float64" if seen.promoted else ""
    if y.dtype != x.dtype:
        return f"gives {_word(y.dtype)} for float32{by}"
    share = subject.numbers["double_share"] = seen.doubles / max(seen.numbers, 1)
    if by or share > _SHARE:
        return f"float64 inside{by or f': {share:.0%} of the numbers that it forms for float32'}"
    return ""


def _double(subject: Subject) -> str:
    """Say why a model does not follow ``.double()``; nothing, where it does."""
    import torch

    try:
        model = subject.build().double()
        x = subject.inputs(dtype=torch.float64)
        y, seen = observed(lambda: subject.map(x, model))
    except Exception as error:
        return f"after .double(): {told(error, subject.candidate.files)}"
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if tensor.dtype == torch.complex64:
            return f"{name} is complex64 still, after .double()"
    if y.dtype != torch.float64:
        return f"gives {_word(y.dtype)} for float64, after .double()"
    return f"float64 becomes less in `{seen.lowered[0]}`, after .double()" if seen.lowered else ""


def _settle(subject: Subject) -> None:
    """Find the type in which a model can be compared that does not follow ``.double()``."""
    import torch

    for subject.dtype in (torch.float64, torch.float32):
        try:
            model = subject.build(dtype=subject.dtype)
            x = subject.inputs(dtype=subject.dtype)
            _, seen = observed(lambda x=x, model=model: subject.map(x, model))
        except Exception:  # noqa: S112 - it was told already
            continue
        subject.precision = seen.precision
        return


def _word(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _leaves(error: Exception) -> bool:
    """Whether an error says that tensors of two devices met, or that numbers were moved."""
    said = str(error)
    return any(part in said for part in ("expected device", "same device", "out of meta", "meta d"))


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160]
