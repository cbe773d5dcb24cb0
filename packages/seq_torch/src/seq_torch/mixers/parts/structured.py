"""From the parameters of a structure to the matrices of a recurrence, in torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Inexact, Int
from torch import Tensor

from seqtheory.structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    Structure,
    WalshHadamard,
)

from ...ops.glue.constant import constant_when_compiled
from ...ops.structured import (
    Blocks,
    DiagonalLowRank,
    Elementwise,
    Fetched,
    Hadamard,
    Routed,
    SparseRows,
    Transitions,
)
from ...parameter import require_full_precision

Parameters = Mapping[str, Tensor]
Form = Callable[[Any, str, Parameters], Transitions]

_FORMS: dict[type[Structure], Form] = {}  # `singledispatch` would stop torch.compile


def check_known(structure: Structure) -> None:
    """Raise unless the structure has matrices in torch."""
    if type(structure) not in _FORMS:
        known = ", ".join(kind.__name__ for kind in _FORMS)
        raise TypeError(
            f"structure={structure!r} has no matrices in torch; expected one of {known}."
        )


def transitions(structure: Structure, transition: str, parameters: Parameters) -> Transitions:
    """Matrices of the transition whose generator has these parameters; leading axes are kept."""
    return _FORMS[type(structure)](structure, transition, parameters)


def _form_of(kind: type[Structure]) -> Callable[[Form], Form]:
    def register(form: Form) -> Form:
        _FORMS[kind] = form
        return form

    return register


@_form_of(Dense)
def _(structure: Dense, transition: str, parameters: Parameters) -> Transitions:
    return Blocks(_squares(parameters["matrix"].unsqueeze(-3), transition))


@_form_of(BlockDiagonal)
def _(structure: BlockDiagonal, transition: str, parameters: Parameters) -> Transitions:
    return Blocks(_squares(parameters["blocks"], transition))


def _squares(
    generators: Inexact[Tensor, "... size size"], transition: str
) -> Inexact[Tensor, "... size size"]:
    if transition == "exponential":
        # Torch's exponential is NaN in types shorter than float32, where it takes them at all.
        short = generators.dtype in (torch.bfloat16, torch.float16)
        wide = generators.float() if short else generators
        return torch.linalg.matrix_exp(wide).to(generators.dtype)
    if transition == "direct":
        return generators
    size, dtype, device = generators.shape[-1], generators.dtype, generators.device
    return generators + torch.eye(size, dtype=dtype, device=device)


@_form_of(Diagonal)
def _(structure: Diagonal, transition: str, parameters: Parameters) -> Transitions:
    generators = parameters["diagonal"]
    if transition == "exponential":
        return Elementwise(generators.exp())
    return Elementwise(generators if transition == "direct" else 1 + generators)


@_form_of(DiagonalPlusLowRank)
def _(structure: DiagonalPlusLowRank, transition: str, parameters: Parameters) -> Transitions:
    diagonal = parameters["diagonal"]
    diagonal = diagonal if transition == "direct" else 1 + diagonal
    return DiagonalLowRank(diagonal, parameters["left"], parameters["right"])


@_form_of(Sparse)
def _(structure: Sparse, transition: str, parameters: Parameters) -> Transitions:
    values = parameters["entries"]
    places = _places(structure, values.shape[-2]).to(values.device)
    return SparseRows(values, places, plus_identity=transition != "direct")


@constant_when_compiled  # a draw of NumPy's, which it cannot trace
def _places(structure: Sparse, width: int) -> Int[Tensor, "width entry"]:
    return torch.tensor(structure.columns(width))


@_form_of(WalshHadamard)
def _(structure: WalshHadamard, transition: str, parameters: Parameters) -> Transitions:
    return Hadamard(parameters["diagonal"], plus_identity=transition != "direct")


@_form_of(OneHotDiagonal)
def _(structure: OneHotDiagonal, transition: str, parameters: Parameters) -> Transitions:
    choice, magnitude = parameters["choice"], parameters["magnitude"]
    axis, by_row = structure.axis, structure.one_per == "row"
    places = choice.argmax(axis)
    if structure.entries == "real":
        factors = magnitude.tanh()
    else:
        require_full_precision(magnitude.dtype, "complex states")
        factors = torch.polar(magnitude.sigmoid(), parameters["phase"])
    if not choice.requires_grad:
        return Fetched(places, factors) if by_row else Routed(places, factors)
    soft = choice.softmax(axis)
    hard = torch.zeros_like(soft).scatter(axis, places.unsqueeze(axis), 1.0)
    spread = factors.unsqueeze(-1 if by_row else -2)
    return Blocks(((hard - soft.detach() + soft) * spread).unsqueeze(-3))
