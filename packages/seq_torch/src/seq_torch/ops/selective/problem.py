"""Inputs of a selective scan, checked and brought to a form that every backend reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from ..glue import packed
from ..glue.checks import check_axes, check_tensors

AXES = {
    "u": "batch dim time",
    "A": "dim state",
    "delta": "batch dim time",
    "z": "batch dim time",
    "D": "dim",
    "delta_bias": "dim",
    "initial_state": "batch dim state",
}
HALF = (torch.float16, torch.bfloat16)
MAY_BE_COMPLEX = ("A", "B", "C", "initial_state")
DOUBLE = (torch.float64, torch.complex128)
COMPLEX = {torch.float32: torch.complex64, torch.float64: torch.complex128}


class Sizes(NamedTuple):
    """Lengths of the axes."""

    batch: int
    dim: int
    time: int
    state: int


@dataclass(frozen=True)
class Problem:
    """Checked inputs: one real type, `B` and `C` of two or four axes, complex where `A` is.

    `B` and `C` are either constant `(dim, state)` or vary, `(batch, group, state, time)`.
    """

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    z: Tensor | None
    delta_bias: Tensor | None
    initial_state: Tensor | None
    cu_seqlens: Tensor | None
    delta_softplus: bool
    want_last: bool = True

    @property
    def like(self) -> Tensor:
        """The inputs, whose device and type decide."""
        return self.u

    @property
    def sizes(self) -> Sizes:
        """Lengths of the axes."""
        return Sizes(*self.u.shape, state=self.A.shape[1])

    @property
    def offsets(self) -> Tensor | None:
        """Where packed sequences begin and end; None where every row is one sequence."""
        return self.cu_seqlens

    def sequences(self) -> list[Problem]:
        """Take packed sequences apart, one problem for each."""
        assert self.cu_seqlens is not None
        steps = packed.lengths(self.cu_seqlens, self.sizes.time)
        # Split and not cut out one by one, each of whose gradients has the size of the whole row.
        parts: dict[str, tuple[Tensor, ...]] = {
            name: value.split(steps, -1)
            for name in ("u", "delta", "z", "B", "C")
            if (value := getattr(self, name)) is not None and value.ndim > 2
        }
        if self.initial_state is not None:
            parts["initial_state"] = self.initial_state.split(1)
        each = (
            dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)
        )
        return [replace(self, **part, cu_seqlens=None) for part in each]


def check(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    z: Tensor | None,
    delta_bias: Tensor | None,
    initial_state: Tensor | None,
    cu_seqlens: Tensor | None,
    delta_softplus: bool,
    want_last: bool,
) -> Problem:
    """Check every input against `u` and `A`, and bring them to one form.

    Raises
    ------
    TypeError
        If an input is not a tensor of a floating type that fits the others.
    ValueError
        If a shape or a device does not fit.
    """
    named = {
        "u": u,
        "delta": delta,
        "A": A,
        "B": B,
        "C": C,
        "D": D,
        "z": z,
        "delta_bias": delta_bias,
        "initial_state": initial_state,
    }
    present = {name: value for name, value in named.items() if value is not None}
    _check_types(present)
    real = _common_type(present)
    sizes = _sizes(present, cu_seqlens)
    complex_A = A.is_complex()
    kind = COMPLEX[real] if complex_A else real
    return Problem(
        u=u.to(real),
        delta=delta.to(real),
        A=A.to(kind),
        B=_varying("B", B, sizes, complex_A).to(kind),
        C=_varying("C", C, sizes, complex_A).to(kind),
        D=None if D is None else D.to(real),
        z=None if z is None else z.to(real),
        delta_bias=None if delta_bias is None else delta_bias.to(real),
        initial_state=None if initial_state is None else initial_state.to(kind),
        cu_seqlens=cu_seqlens,
        delta_softplus=bool(delta_softplus),
        want_last=want_last,
    )


def _sizes(present: dict[str, Tensor], cu_seqlens: Tensor | None) -> Sizes:
    """Lengths of the axes; states are those of packed sequences, if these are told apart."""
    if cu_seqlens is None:
        return Sizes(**check_axes(present, AXES, nonzero=("state",)))
    known = {"sequence": packed.count_sequences(cu_seqlens, present["u"].device)}
    axes = AXES | {"initial_state": "sequence dim state"}
    found = check_axes(present, axes, nonzero=("state",), known=known)
    del found["sequence"]
    sizes = Sizes(**found)
    packed.check_row(cu_seqlens, sizes.batch, sizes.time)
    return sizes


def _check_types(present: dict[str, Tensor]) -> None:
    check_tensors(present, "u", MAY_BE_COMPLEX)
    if present["A"].is_complex():
        return
    for name in MAY_BE_COMPLEX[1:]:
        if name in present and present[name].is_complex():
            raise TypeError(
                f"got complex {name} ({present[name].dtype}) with real A "
                f"({present['A'].dtype}), expected both real or A complex too. "
                "Convert A with A.to(torch.complex64)."
            )


def _common_type(present: dict[str, Tensor]) -> torch.dtype:
    """float64 where all are double; float32 for any mixture of shorter types."""
    double = [t.dtype in DOUBLE for t in present.values()]
    if any(double) and not all(double):
        types = ", ".join(f"{name} {t.dtype}" for name, t in present.items())
        raise TypeError(
            f"got a mixture of double and shorter types ({types}), expected either all double or "
            "none. Convert with .double() or .float()."
        )
    return torch.float64 if double[0] else torch.float32


def _varying(name: str, value: Tensor, sizes: Sizes, complex_A: bool) -> Tensor:
    """Constant `(dim, state)`, or `(batch, group, state, time)` with interleaved pairs joined."""
    pairs = complex_A and not value.is_complex() and value.ndim in (3, 4)
    if complex_A and value.ndim == 2 and not value.is_complex():
        raise TypeError(
            f"got real {name} of shape {tuple(value.shape)} with complex A, expected it complex "
            f"too. Convert it with {name}.to(A.dtype)."
        )
    time = 2 * sizes.time if pairs else sizes.time
    if value.ndim == 2 and tuple(value.shape) == (sizes.dim, sizes.state):
        return value
    if value.ndim == 3 and tuple(value.shape) == (sizes.batch, sizes.state, time):
        return _joined(value, pairs).unsqueeze(1)
    if value.ndim == 4:
        batch, group, state, length = value.shape
        fits = (batch, state, length) == (sizes.batch, sizes.state, time)
        if fits and group > 0 and sizes.dim % group == 0:
            return _joined(value, pairs)
    note = " (real with complex A: pairs of real and imaginary parts, 2 * time)" if pairs else ""
    raise ValueError(
        f"got {name} of shape {tuple(value.shape)}, expected (dim, state) = "
        f"({sizes.dim}, {sizes.state}), (batch, state, time) = ({sizes.batch}, {sizes.state}, "
        f"{time}) or (batch, group, state, time) with dim {sizes.dim} a multiple of group{note}."
    )


def _joined(value: Tensor, pairs: bool) -> Tensor:
    """Read ``(..., 2 * time)`` real as ``(..., time)`` complex where `pairs`."""
    if not pairs:
        return value
    if value.dtype in HALF:
        value = value.float()
    return torch.view_as_complex(value.unflatten(-1, (-1, 2)).contiguous())
