"""Matrices of a structure, one at every position, stored as what a product with them needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Inexact, Int


@dataclass(frozen=True)
class Transitions(ABC):
    """Matrices with leading axes, such as those of batch and time.

    A subclass names its tensors, says in `cores` how many last axes of each belong to one matrix,
    and in `kernel` which module of compiled kernels takes its fields, in their order; `places_of`
    are those that hold integers. Those whose products are of their kind (`closed`) have `compose`.
    """

    cores: ClassVar[dict[str, int]]
    kernel: ClassVar[str]
    places_of: ClassVar[tuple[str, ...]] = ()
    closed: ClassVar[bool] = False

    @abstractmethod
    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Multiply states by the matrices; leading axes broadcast."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Rows of a matrix."""

    @property
    @abstractmethod
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Last axes that each tensor must have, given those of the others."""

    def compose(self, earlier: Self) -> Self:
        """Give the product of these matrices with `earlier`, which act first."""
        raise TypeError(f"products of {type(self).__name__} matrices are not of that kind.")

    def map(self, move: Callable[[Tensor], Tensor]) -> Self:
        """Apply a function to the leading axes of every tensor."""
        return replace(self, **{name: move(getattr(self, name)) for name in self.cores})

    def columns(self) -> Self:
        """Give the same matrices with an axis for several states behind the leading ones."""
        unsqueezed = {
            name: getattr(self, name).unsqueeze(-1 - core) for name, core in self.cores.items()
        }
        return replace(self, **unsqueezed)

    def tensors(self) -> dict[str, Tensor]:
        """Give the tensors among the fields, in their order."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def like(self) -> Tensor:
        """Give a tensor in the type and on the device of the states."""
        return getattr(self, next(reversed(self.cores)))

    def dense(self) -> Inexact[Tensor, "... width width"]:
        """Form the whole matrices."""
        tensor = self.like()
        identity = torch.eye(self.width, dtype=tensor.dtype, device=tensor.device)
        return self.columns().apply(identity).transpose(-1, -2)


@dataclass(frozen=True)
class Blocks(Transitions):
    """Blocks along the diagonal; a dense matrix is one block."""

    blocks: Inexact[Tensor, "... block size size"]

    cores: ClassVar[dict[str, int]] = {"blocks": 3}
    kernel: ClassVar[str] = "blocks"
    closed: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """Rows of all blocks together."""
        return self.blocks.shape[-3] * self.blocks.shape[-1]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Square blocks."""
        count, size = self.blocks.shape[-3], self.blocks.shape[-1]
        return {"blocks": (count, size, size)}

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Multiply every part of a state by its block."""
        parts = states.to(self.blocks.dtype).unflatten(-1, self.blocks.shape[-3:-1])
        return (self.blocks @ parts[..., None])[..., 0].flatten(-2)

    def compose(self, earlier: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Multiply the blocks."""
        return replace(self, blocks=self.blocks @ earlier.blocks)


class OfVectors(Transitions):
    """Matrices that vectors of the state's width hold; their products are such matrices too."""

    closed: ClassVar[bool] = True

    @property
    def width(self) -> int:
        """Entries of each vector."""
        return self.like().shape[-1]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """One entry of each for each of the state."""
        return dict.fromkeys(self.cores, (self.width,))


@dataclass(frozen=True)
class Elementwise(OfVectors):
    """Diagonal matrices."""

    factors: Inexact[Tensor, "... width"]

    cores: ClassVar[dict[str, int]] = {"factors": 1}
    kernel: ClassVar[str] = "elementwise"

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Multiply entry by entry."""
        return self.factors * states

    def compose(self, earlier: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Multiply entry by entry."""
        return replace(self, factors=self.factors * earlier.factors)


@dataclass(frozen=True)
class DiagonalLowRank(Transitions):
    """diag(d) + U V^T."""

    diagonal: Inexact[Tensor, "... width"]
    left: Inexact[Tensor, "... width rank"]
    right: Inexact[Tensor, "... width rank"]

    cores: ClassVar[dict[str, int]] = {"diagonal": 1, "left": 2, "right": 2}
    kernel: ClassVar[str] = "low_rank"

    @property
    def width(self) -> int:
        """Entries of d."""
        return self.diagonal.shape[-1]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """U and V of one rank."""
        rectangle = (self.width, self.left.shape[-1])
        return {"diagonal": (self.width,), "left": rectangle, "right": rectangle}

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """D y + U (V^T y)."""
        states = states.to(self.diagonal.dtype)
        inner = self.right.transpose(-1, -2) @ states[..., None]
        return self.diagonal * states + (self.left @ inner)[..., 0]


@dataclass(frozen=True)
class SparseRows(Transitions):
    """Matrices with equally many entries in every row, plus the identity if asked for."""

    values: Inexact[Tensor, "... width entry"]
    places: Int[Tensor, "width entry"]
    plus_identity: bool

    cores: ClassVar[dict[str, int]] = {"values": 2}
    kernel: ClassVar[str] = "sparse_rows"
    places_of: ClassVar[tuple[str, ...]] = ("places",)

    @property
    def width(self) -> int:
        """Rows."""
        return self.values.shape[-2]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """One place for each value of a matrix."""
        return {"values": tuple(self.places.shape)}

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Sum over the entries of each row."""
        moved = (self.values * states[..., self.places]).sum(-1)
        return states + moved if self.plus_identity else moved


@dataclass(frozen=True)
class Hadamard(Transitions):
    """H diag(d) / sqrt(n), and perhaps the identity beside it."""

    diagonal: Inexact[Tensor, "... width"]
    plus_identity: bool

    cores: ClassVar[dict[str, int]] = {"diagonal": 1}
    kernel: ClassVar[str] = "hadamard"

    @property
    def width(self) -> int:
        """Entries of d, a power of two."""
        return self.diagonal.shape[-1]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A power of two of entries."""
        return {"diagonal": (1 << (self.width - 1).bit_length(),)}

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Transform the product with the diagonal, in log2(width) passes."""
        moved, half = self.diagonal * states, 1
        while half < self.width:
            first, second = moved.unflatten(-1, (-1, 2, half)).unbind(-2)
            moved = torch.stack((first + second, first - second), -2).flatten(-3)
            half *= 2
        moved = moved / sqrt(self.width)
        return states + moved if self.plus_identity else moved


@dataclass(frozen=True)
class Routed(OfVectors):
    """P diag(d), where column j of P has its 1 in row `rows[j]`; without a gradient for P."""

    rows: Int[Tensor, "... width"]
    factors: Inexact[Tensor, "... width"]

    cores: ClassVar[dict[str, int]] = {"rows": 1, "factors": 1}
    kernel: ClassVar[str] = "routed"
    places_of: ClassVar[tuple[str, ...]] = ("rows",)

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Add each entry of d y to its row."""
        moved = self.factors * states
        return torch.zeros_like(moved).scatter_add(-1, self.rows.expand(moved.shape), moved)

    def compose(self, earlier: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Follow the routes one after the other."""
        following, factors = (
            tensor.gather(-1, earlier.rows) for tensor in (self.rows, self.factors)
        )
        return replace(self, rows=following, factors=factors * earlier.factors)


@dataclass(frozen=True)
class Fetched(OfVectors):
    """diag(d) P, where row i of P has its 1 in column `sources[i]`; without a gradient for P."""

    sources: Int[Tensor, "... width"]
    factors: Inexact[Tensor, "... width"]

    cores: ClassVar[dict[str, int]] = {"sources": 1, "factors": 1}
    kernel: ClassVar[str] = "fetched"
    places_of: ClassVar[tuple[str, ...]] = ("sources",)

    def apply(self, states: Inexact[Tensor, "... width"]) -> Inexact[Tensor, "... width"]:
        """Fetch each entry from its column, times that of d."""
        shape = torch.broadcast_shapes(states.shape, self.factors.shape)
        fetched = states.expand(shape).gather(-1, self.sources.expand(shape))
        return self.factors * fetched

    def compose(self, earlier: Self) -> Self:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Fetch from what was fetched."""
        preceding, factors = (
            tensor.gather(-1, self.sources) for tensor in (earlier.sources, earlier.factors)
        )
        return replace(self, sources=preceding, factors=self.factors * factors)
