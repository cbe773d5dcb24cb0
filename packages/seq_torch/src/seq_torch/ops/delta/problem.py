"""Inputs of a delta scan, checked, and brought to one type."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from torch import Tensor

from ..axes import check_axes
from ..inputs import check_tensors, common_type

AXES = {
    "k": "batch head time factor key",
    "v": "batch head time factor value",
    "q": "batch head time key",
    "beta": "batch head time factor",
    "log_decay": "batch head time",
    "initial": "batch head key value",
}


@dataclass(frozen=True)
class Problem:
    """Checked inputs in the types that they came in."""

    q: Tensor
    k: Tensor
    v: Tensor
    beta: Tensor
    log_decay: Tensor | None
    initial: Tensor

    @property
    def time(self) -> int:
        """Number of steps."""
        return self.q.shape[2]

    @property
    def given(self) -> dict[str, Tensor]:
        """Inputs by name, without what was left out."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    def of_one_type(self) -> Problem:
        """Bring all inputs to the type that holds them all, of at least single precision."""
        dtype = common_type(self.given.values())
        return replace(self, **{name: value.to(dtype) for name, value in self.given.items()})


def check(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    beta: Tensor,
    log_decay: Tensor | None,
    initial: Tensor | None,
) -> Problem:
    """Check every input against `k` and `v`.

    Raises
    ------
    TypeError
        If an input is not a tensor of a real floating type.
    ValueError
        If a shape or a device does not fit.
    """
    named = {"k": k, "v": v, "q": q, "beta": beta, "log_decay": log_decay, "initial": initial}
    given = {name: value for name, value in named.items() if value is not None}
    check_tensors(given, "k")
    sizes = check_axes(given, AXES)
    if not (sizes["factor"] and sizes["key"] and sizes["value"]):
        raise ValueError(
            f"got k of shape {tuple(k.shape)} and v of shape {tuple(v.shape)}, expected at least "
            "one factor, one key channel and one value channel."
        )
    if initial is None:
        shape = [sizes[axis] for axis in AXES["initial"].split()]
        initial = k.new_zeros(shape, dtype=common_type(given.values()))
    return Problem(q=q, k=k, v=v, beta=beta, log_decay=log_decay, initial=initial)
