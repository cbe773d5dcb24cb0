"""Transition matrices of linear systems, with their exact exponential, integral and powers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from scipy import linalg  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact


class Transition(ABC):
    """A square matrix A that acts on states; `vectors` are columns (width, channel)."""

    @property
    @abstractmethod
    def eigenvalues(self) -> Inexact[np.ndarray, " width"]:
        """Eigenvalues of A, with multiplicity."""

    @property
    @abstractmethod
    def matrix(self) -> Inexact[np.ndarray, "width width"]:
        """A itself."""

    @abstractmethod
    def exponential(
        self, times: Float[np.ndarray, " time"], vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "time width channel"]:
        """Columns exp(A t) V at each time."""

    @abstractmethod
    def power(
        self, steps: int, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """Columns A^steps V."""

    def integral(
        self, duration: float, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """Columns of the integral of exp(A s) V over s from 0 to `duration`; A may be singular."""
        width, channels = vectors.shape
        generator = np.zeros((width + channels, width + channels), dtype=complex)
        generator[:width, :width], generator[:width, width:] = self.matrix, vectors
        return _expm(generator * duration)[:width, width:]

    def sampled(self, dt: float) -> Transition:
        """Transition exp(A dt) of the state sampled every `dt`."""
        return Dense(_expm(self.matrix * dt))


@dataclass(frozen=True, eq=False)
class Diagonal(Transition):
    """One eigenvalue, real or complex, for each mode."""

    values: Inexact[np.ndarray, " width"]

    def __repr__(self) -> str:
        """Width and range of the moduli."""
        sizes = np.abs(self.values)
        return f"Diagonal(width {sizes.size}: moduli {sizes.min():.3g} to {sizes.max():.3g})"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _checked(self.values, "Diagonal", 1))

    @property
    def eigenvalues(self) -> Inexact[np.ndarray, " width"]:
        """The values themselves."""
        return self.values

    @property
    def matrix(self) -> Inexact[np.ndarray, "width width"]:
        """Values on the diagonal."""
        return np.diag(self.values)

    def exponential(
        self, times: Float[np.ndarray, " time"], vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "time width channel"]:
        """exp(lambda t) for each mode."""
        return np.exp(np.outer(times, self.values))[..., None] * vectors

    def power(
        self, steps: int, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """lambda^steps for each mode."""
        return (self.values**steps)[:, None] * vectors

    def integral(
        self, duration: float, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """(exp(lambda duration) - 1) / lambda, and `duration` at lambda = 0."""
        exponents = self.values * duration
        safe = np.where(exponents == 0, 1.0, exponents)
        return duration * np.where(exponents == 0, 1.0, np.expm1(safe) / safe)[:, None] * vectors

    def sampled(self, dt: float) -> Diagonal:
        """exp(lambda dt)."""
        return Diagonal(np.exp(self.values * dt))


@dataclass(frozen=True, eq=False)
class Dense(Transition):
    """Any square matrix."""

    values: Inexact[np.ndarray, "width width"]

    def __repr__(self) -> str:
        """Width."""
        return f"Dense(width {len(self.values)})"

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _checked(self.values, "Dense", 2))

    @property
    def eigenvalues(self) -> Inexact[np.ndarray, " width"]:
        """Eigenvalues, computed; those of a defective matrix only to about 1e-8."""
        return np.linalg.eigvals(self.values)

    @property
    def matrix(self) -> Inexact[np.ndarray, "width width"]:
        """The matrix itself."""
        return self.values

    def exponential(
        self, times: Float[np.ndarray, " time"], vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "time width channel"]:
        """One matrix exponential for each time."""
        return np.stack([_expm(self.values * t) @ vectors for t in times])

    def power(
        self, steps: int, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """Power by repeated squaring."""
        return np.linalg.matrix_power(self.values, steps) @ vectors


@dataclass(frozen=True)
class Jordan(Transition):
    r"""Jordan blocks, each an eigenvalue and a size, with ones above the diagonal.

    .. math:: e^{Jt} = e^{\lambda t} \sum_j \frac{t^j}{j!} N^j, \qquad
        J^k = \sum_j \binom{k}{j} \lambda^{k-j} N^j

    The largest block at the spectral radius, of size m, makes memory fall as
    :math:`t^{m-1} e^{\lambda t}`: it rises before it falls.
    """

    blocks: tuple[tuple[complex, int], ...]

    def __post_init__(self) -> None:
        if not self.blocks or any(size < 1 for _, size in self.blocks):
            raise ValueError(
                f"blocks={self.blocks}: expected pairs (eigenvalue, size) with sizes of at least "
                "1, such as ((0.9, 2),)."
            )

    @property
    def eigenvalues(self) -> Inexact[np.ndarray, " width"]:
        """Each eigenvalue, repeated by the size of its block."""
        return np.concatenate([np.full(size, value) for value, size in self.blocks])

    @property
    def matrix(self) -> Inexact[np.ndarray, "width width"]:
        """Blocks along the diagonal."""
        ends = np.cumsum([size for _, size in self.blocks])
        ones = np.ones(ends[-1] - 1)
        ones[ends[:-1] - 1] = 0.0  # none between blocks
        return np.diag(self.eigenvalues) + np.diag(ones, k=1)

    def exponential(
        self, times: Float[np.ndarray, " time"], vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "time width channel"]:
        """exp(lambda t) times a polynomial in t."""

        def factor(value: complex, order: int) -> Inexact[np.ndarray, " time"]:
            return np.exp(value * times) * times**order / math.factorial(order)

        return self._shifted(factor, vectors)

    def power(
        self, steps: int, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "width channel"]:
        """lambda^(steps - j) times binomials."""

        def factor(value: complex, order: int) -> Inexact[np.ndarray, " one"]:
            return np.array([math.comb(steps, order) * value ** max(steps - order, 0)])

        return self._shifted(factor, vectors)[0]

    def _shifted(
        self, factor: Any, vectors: Inexact[np.ndarray, "width channel"]
    ) -> Inexact[np.ndarray, "time width channel"]:
        """Sum over j of factor_j times N^j V, block by block."""
        parts: list[Any] = []
        start = 0
        for value, size in self.blocks:
            block = vectors[start : start + size]
            total: Any = 0.0
            for order in range(size):
                moved = np.concatenate([block[order:], np.zeros_like(block[:order])])
                total = total + factor(value, order)[:, None, None] * moved
            parts.append(total)
            start += size
        return np.concatenate(parts, axis=1)


def _expm(matrix: Inexact[np.ndarray, "width width"]) -> Inexact[np.ndarray, "width width"]:
    return cast("np.ndarray", linalg.expm(matrix))  # pyright: ignore[reportUnknownMemberType]


def _checked(values: Any, name: str, ndim: int) -> np.ndarray:
    """`values` as float64 or complex128, finite, of the number of axes that `name` takes."""
    array = as_array(values)
    if array.ndim != ndim or array.size == 0 or len(set(array.shape)) != 1:
        expected = "(width,)" if ndim == 1 else "(width, width)"
        raise ValueError(f"{name} takes values of shape {expected}, but got {array.shape}.")
    if array.dtype.kind not in "iufc" or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} takes finite numbers, but got {array}.")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
