"""Checks of tensors that an operation is given: types, devices, and shapes by names of axes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def check_tensors(
    given: Mapping[str, Any], beside: str, may_be_complex: Collection[str] = ()
) -> None:
    """Raise unless all are floating tensors on the device of the one named `beside`.

    Parameters
    ----------
    given
        Inputs by name; the message names the one that does not fit.
    beside
        Name of the input that decides the device.
    may_be_complex
        Names of the inputs that may be complex.

    Raises
    ------
    TypeError
        If an input is no tensor, or has no floating type.
    ValueError
        If an input is on another device.
    """
    for name, value in given.items():
        if not isinstance(value, Tensor):
            raise TypeError(f"got {name} of type {type(value).__name__}, expected a torch.Tensor.")
        if not (value.is_floating_point() or (value.is_complex() and name in may_be_complex)):
            kind = "floating or complex" if name in may_be_complex else "real floating"
            raise TypeError(
                f"got {name} with dtype {value.dtype}, expected a {kind} type. "
                f"Convert it, for example {name}.to(torch.float32)."
            )
    device = given[beside].device
    for name, value in given.items():
        if value.device != device:
            raise ValueError(
                f"got {name} on {value.device} and {beside} on {device}, expected "
                "one device. Move one of them with .to()."
            )


def check_axes(
    given: Mapping[str, Tensor],
    axes: Mapping[str, str],
    nonzero: Collection[str] = (),
    known: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Length of every axis, or raise where two inputs do not agree on one.

    Parameters
    ----------
    given
        Inputs by name.
    axes
        Names of the axes of each input, between blanks, those inputs first that decide.
        ``group|head`` is an axis ``group`` whose length divides that of ``head``.
    nonzero
        Axes that must not be empty.
    known
        Lengths of axes that are decided already.

    Raises
    ------
    ValueError
        If a shape does not fit; the message says which, and what was expected.
    """
    sizes = dict(known or {})
    for name, line in axes.items():
        if name not in given:
            continue
        shape, wanted, before = given[name].shape, line.split(), sizes.copy()
        fits = len(shape) == len(wanted)
        for axis, n in zip(wanted, shape, strict=False):
            if "|" in axis:
                axis, _, whole = axis.partition("|")
                fits = fits and _divides(n, before[whole])
            if sizes.setdefault(axis, n) != n:
                fits = False
        if not fits:
            raise ValueError(
                f"got {name} of shape {tuple(shape)}, expected {_said(wanted, before)}."
            )
        if 0 in shape:
            _check_empty(name, shape, wanted, nonzero)
    return sizes


def _divides(n: int, whole: int) -> bool:
    return n == whole or (n > 0 and whole % n == 0)


def _check_empty(
    name: str, shape: Iterable[int], wanted: Iterable[str], nonzero: Collection[str]
) -> None:
    for axis, n in zip(wanted, shape, strict=True):
        if n == 0 and axis.partition("|")[0] in nonzero:
            raise ValueError(
                f"got {name} of shape {tuple(shape)}, expected a {axis} of at least 1."
            )


def _said(wanted: Collection[str], sizes: Mapping[str, int]) -> str:
    """Names of axes, and the lengths that they may have."""
    names, lengths = [], []
    for axis in wanted:
        own, _, whole = axis.partition("|")
        names.append(own)
        some = f"a divisor of {sizes[whole]}" if whole in sizes else "any"
        lengths.append(str(sizes.get(own, some)))
    comma = "," if len(names) == 1 else ""
    return f"({', '.join(names)}{comma}) = ({', '.join(lengths)}{comma})"


def check_initial(initial: Tensor | None, batch: int, state: int) -> None:
    """Raise unless the state before the first step, if given, broadcasts to `(batch, state)`."""
    if initial is not None and not broadcasts(initial.shape, (batch, state)):
        raise ValueError(
            f"got initial of shape {tuple(initial.shape)}, expected one that broadcasts to "
            f"(batch, state) = ({batch}, {state})."
        )


def broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a tensor of this shape can be expanded to the target."""
    aligned = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(n in (1, m) for n, m in aligned)


def common_type(values: Iterable[Tensor]) -> torch.dtype:
    """Type that holds all of these, of at least single precision."""
    dtype = torch.float32
    for value in values:
        if value.dtype != dtype:
            dtype = torch.promote_types(dtype, value.dtype)
    return dtype


def depending(output: Tensor, *inputs: Tensor | None) -> Tensor:
    """Make the output depend on these inputs, with derivatives of zero where it did not.

    Without it autograd finds no path from the output to them, and gives None in place of zeros.
    """
    for value in inputs:
        if value is not None:
            nothing = value.flatten()[:0].sum()  # of no entries: exact, whatever the entries are
            output = output + (nothing if output.is_complex() else nothing.real).to(output.dtype)
    return output


def plain(value: Tensor) -> Tensor:
    """Give the numbers as a kernel reads them: in order, none of them yet to be conjugated."""
    return value.detach().resolve_conj().resolve_neg().contiguous()


def learns(value: Tensor | None) -> bool:
    """Whether an input has a gradient, which what was left out and integers have not."""
    return value is not None and (value.is_floating_point() or value.is_complex())
