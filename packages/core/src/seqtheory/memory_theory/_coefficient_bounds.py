"""What the coefficients of an exponential sum may be: bounds on least squares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize  # pyright: ignore[reportMissingTypeStubs]

from seqtheory.checks import require_positive

if TYPE_CHECKING:
    from jaxtyping import Float

_optimize: Any = optimize  # its signatures are not typed
# Weight of the row that holds a sum fixed.
_HEAVY = 1e4


class CoefficientBound(ABC):
    r"""A set of coefficients, or a price on them, for :math:`\min_c \lVert \rho - M c \rVert^2`."""

    @abstractmethod
    def coefficients(
        self, modes: Float[np.ndarray, "time mode"], target: Float[np.ndarray, " time"]
    ) -> Float[np.ndarray, " mode"]:
        """Best coefficients c of modes M for a target."""


@dataclass(frozen=True)
class NonNegative(CoefficientBound):
    """Coefficients of at least zero: no mode takes away what another adds."""

    def coefficients(
        self, modes: Float[np.ndarray, "time mode"], target: Float[np.ndarray, " time"]
    ) -> Float[np.ndarray, " mode"]:
        """Solve by an active set (Lawson and Hanson)."""
        return _optimize.nnls(modes, target)[0]


@dataclass(frozen=True)
class Ridge(CoefficientBound):
    r"""A price of :math:`\text{penalty}\, \sum_i c_i^2`."""

    penalty: float = 1e-4

    def __post_init__(self) -> None:
        require_positive("penalty", self.penalty)

    def coefficients(
        self, modes: Float[np.ndarray, "time mode"], target: Float[np.ndarray, " time"]
    ) -> Float[np.ndarray, " mode"]:
        """Solve with the root of the penalty as further rows."""
        width = modes.shape[1]
        rows = np.concatenate([modes, np.sqrt(self.penalty) * np.eye(width)])
        return np.linalg.lstsq(rows, np.concatenate([target, np.zeros(width)]), rcond=None)[0]


@dataclass(frozen=True)
class L1Bound(CoefficientBound):
    r"""A bound :math:`\sum_i |c_i| \le \text{total}`.

    Notes
    -----
    The parts above and below zero and what is left of the total are non-negative and add up to the
    total, which a row of weight 1e4 says: the sum is met to about 1e-8.
    """

    total: float = 1.0

    def __post_init__(self) -> None:
        require_positive("total", self.total)

    def coefficients(
        self, modes: Float[np.ndarray, "time mode"], target: Float[np.ndarray, " time"]
    ) -> Float[np.ndarray, " mode"]:
        """Solve as non-negative least squares of twice as many coefficients and one more."""
        width = modes.shape[1]
        signed = np.concatenate([modes, -modes, np.zeros((len(modes), 1))], axis=1)
        rows = np.concatenate([signed, np.full((1, 2 * width + 1), _HEAVY)])
        parts = _optimize.nnls(rows, np.append(target, _HEAVY * self.total))[0]
        return parts[:width] - parts[width : 2 * width]
