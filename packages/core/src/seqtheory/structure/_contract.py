"""The interface of every structure of a transition matrix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_memory

if TYPE_CHECKING:
    from jaxtyping import Float, Inexact

    Parameters = Mapping[str, ArrayLike]
else:
    Parameters = Mapping[str, Any]
"""Parameters of one or more matrices by name: the shapes of `Structure.shapes`, axes in front."""


@dataclass(frozen=True)
class Structure(ABC):
    """A family of square matrices and the layout of its parameters.

    Widths are positive integers; every method that takes one raises `TypeError` or `ValueError`
    for a width at which the structure does not exist.
    """

    closed: ClassVar[bool]
    """Whether products of two of its matrices have the structure too, as associative scans need."""

    degree: ClassVar[Mapping[str, float]] = {}
    r"""Power of a step :math:`\delta` by which each parameter is scaled so that the matrix is
    scaled by :math:`\delta`; 1 where a name is missing."""

    linear: ClassVar[bool] = True
    """Whether the matrix is a linear function of all parameters together."""

    centres: ClassVar[Mapping[str, float]] = {}
    """Mean of each parameter in a random draw; 0 where a name is missing."""

    @abstractmethod
    def shapes(self, width: int) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter of one matrix, in the order in which they are drawn."""

    @abstractmethod
    def scales(self, width: int) -> dict[str, float]:
        """Give the standard deviation of each parameter in a random draw.

        With independent normal entries of these deviations, products of any number of matrices keep
        the mean square of a vector's entries on average over draws, at every width.
        """

    @abstractmethod
    def matrix(self, parameters: Parameters) -> Inexact[np.ndarray, "... width width"]:
        """Form the whole matrix in float64, or complex128 where the structure is complex.

        Raises
        ------
        ValueError
            If a parameter is missing, unknown, or of a shape that fits no width.
        """

    @abstractmethod
    def apply(self, parameters: Parameters, vectors: ArrayLike) -> Inexact[np.ndarray, "... width"]:
        """Multiply vectors by the matrix, at `cost(width)` each, without forming it.

        Leading axes of the parameters and of the vectors broadcast.
        """

    @abstractmethod
    def cost(self, width: int) -> int:
        """Multiplications in one product of the matrix with a vector."""

    def num_parameters(self, width: int) -> int:
        """Give the number of stored numbers of one matrix."""
        return sum(prod(shape) for shape in self.shapes(width).values())

    def draw(
        self, width: int, leading: tuple[int, ...], seed: int
    ) -> dict[str, Float[np.ndarray, ...]]:
        """Draw independent normal parameters, with the deviations that `scales` gives, in float64.

        Parameters
        ----------
        width
            Rows of a matrix.
        leading
            Axes in front, such as `(channels,)`.
        seed
            Seed for `numpy.random.default_rng`.
        """
        numbers = self.num_parameters(width) * prod(leading)
        require_memory(3 * 8 * numbers, f"a draw of {self} for width={width:,} and {leading=}")
        random, scales = np.random.default_rng(seed), self.scales(width)
        return {
            name: self.centres.get(name, 0.0)
            + scales[name] * random.standard_normal((*leading, *shape))
            for name, shape in self.shapes(width).items()
        }

    def _checked(self, parameters: Parameters) -> tuple[int, dict[str, np.ndarray]]:
        """Width, and the parameters in float64, after checks of names and shapes."""
        given = {name: as_array(value) for name, value in parameters.items()}
        expected = list(self.shapes(self._smallest()))
        if set(given) != set(expected):
            raise ValueError(
                f"got the parameters {sorted(given)}, expected {sorted(expected)} for {self}."
            )
        for name, value in given.items():
            if value.dtype.kind not in "iuf":
                raise TypeError(f"got {name} of dtype {value.dtype}, expected real numbers.")
        width = self._width({name: value.shape for name, value in given.items()})
        for name, shape in self.shapes(width).items():
            if given[name].shape[given[name].ndim - len(shape) :] != shape:
                raise ValueError(
                    f"got {name} of shape {given[name].shape}, expected (..., "
                    f"{', '.join(map(str, shape))}) for {self} at width {width}."
                )
        return width, {name: given[name].astype(np.float64) for name in expected}

    def _smallest(self) -> int:
        """Give a width at which the structure exists, whatever its settings."""
        return 1

    @abstractmethod
    def _width(self, shapes: Mapping[str, tuple[int, ...]]) -> int:
        """Width of the matrix whose parameters have these shapes (leading axes included)."""


def require_width(width: object) -> None:
    """Refuse a width that is not a positive integer."""
    require_integer("width", width, minimum=1)


def last_axes(shapes: Mapping[str, tuple[int, ...]], name: str, count: int) -> tuple[int, ...]:
    """Give the last `count` axes of one parameter; raise ValueError if it has fewer."""
    shape = shapes[name]
    if len(shape) < count or 0 in shape[len(shape) - count :]:
        raise ValueError(
            f"got {name} of shape {shape}, expected at least {count} axes, the last {count} of "
            "them not empty."
        )
    return shape[len(shape) - count :]


def diagonal_matrix(
    entries: Float[np.ndarray, "... width"],
) -> Float[np.ndarray, "... width width"]:
    """Set the entries on the diagonal of zeros."""
    width = entries.shape[-1]
    whole = np.zeros((*entries.shape, width))
    whole[..., np.arange(width), np.arange(width)] = entries
    return whole
