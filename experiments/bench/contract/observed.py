"""The tensors that torch's functions take and give while something runs, by type and device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

Given = TypeVar("Given")
_DOUBLE = ("torch.float64", "torch.complex128")
_MOVES = ("to", "type_as", "copy_")  # which are given two devices by intention
_HALF = ("torch.float16", "torch.bfloat16")
_SINGLE = ("torch.float32", "torch.complex64", *_HALF)


@dataclass
class Observed:
    """What was seen of the functions that were called, each told in words.

    Attributes
    ----------
    numbers, doubles
        How many numbers were formed, and how many of them in double precision.
    promoted
        Functions that made double precision of a tensor of single precision and one of double.
    lowered
        Functions that made single precision, or less, of a tensor of double precision.
    mixed
        Functions that were given tensors of two devices.
    kinds
        Types of the numbers that were formed.
    """

    numbers: int = 0
    doubles: int = 0
    promoted: list[str] = field(default_factory=list)
    lowered: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)

    @property
    def precision(self) -> str:
        """The least precision of any number that was formed."""
        if self.kinds & {*_HALF}:
            return "half"
        return "single" if self.kinds & {*_SINGLE} else "double"

    def note(self, name: str, taken: list[torch.Tensor], given: list[torch.Tensor]) -> None:
        """Take account of one call."""
        types = {str(t.dtype) for t in taken if t.ndim}
        for tensor in given:
            if not (tensor.is_floating_point() or tensor.is_complex()):
                continue
            self.numbers += tensor.numel()
            kind = str(tensor.dtype)
            self.kinds.add(kind)
            self.doubles += tensor.numel() if kind in _DOUBLE else 0
            if kind in _DOUBLE and types & {*_DOUBLE} and types & {*_SINGLE}:
                self.promoted.append(name)
            if kind in _SINGLE and types & {*_DOUBLE}:
                self.lowered.append(name)
        if name not in _MOVES and len({t.device.type for t in taken if t.ndim}) > 1:
            self.mixed.append(name)


def observed(call: Callable[[], Given]) -> tuple[Given, Observed]:
    """Call something, and see the functions of torch that it calls from Python."""
    from torch.overrides import TorchFunctionMode

    seen = Observed()

    class Observer(TorchFunctionMode):
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            given = func(*args, **(kwargs or {}))
            name = getattr(func, "__name__", str(func))
            if name not in ("__get__", "__set__"):
                taken = [*_tensors(args), *_tensors((kwargs or {}).values())]
                seen.note(name, taken, list(_tensors([given])))
            return given

    with Observer():
        return call(), seen


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    import torch

    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from _tensors(value)
