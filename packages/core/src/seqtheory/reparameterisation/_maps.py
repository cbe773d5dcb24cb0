"""The maps from weights to eigenvalues: direct, guarded, and by a bounded time scale."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import ArrayLike

from seqtheory.checks import require_positive
from seqtheory.reparameterisation._contract import (
    DiscreteReparameterisation,
    Euler,
    Reparameterisation,
    real,
    within,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Direct(Reparameterisation):
    """p(w) = w. Nothing keeps the eigenvalue negative: it is unstable from w = 0 on."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Give the weight itself."""
        return real("w", w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Give 1 for every weight."""
        return np.ones_like(real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of any finite eigenvalue."""
        return within(eigenvalue, -np.inf, np.inf, self)

    def discrete(self) -> DiscreteReparameterisation:
        """1 + w."""
        return Euler(self)


@dataclass(frozen=True)
class ReLU(Reparameterisation):
    """p(w) = -max(w, 0): never above zero, but at zero for every w <= 0.

    A mode at zero never decays and its weight has no gradient, so the map is not stable. Half the
    weights of a normal draw start there.
    """

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-max(w, 0)."""
        return -np.maximum(real("w", w), 0.0)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 for w > 0, else 0."""
        return np.where(real("w", w) > 0, -1.0, 0.0)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-eigenvalue, for an eigenvalue in (-inf, 0]."""
        return -within(eigenvalue, -np.inf, 0.0, self, "high")

    def discrete(self) -> DiscreteReparameterisation:
        """1 - max(w, 0)."""
        return Euler(self)


@dataclass(frozen=True)
class Exp(Reparameterisation):
    """p(w) = -exp(w).

    Examples
    --------
    >>> p = Exp()
    >>> round(float(p(p.inverse(-0.5))), 12)
    -0.5
    >>> p.gradient_scale(p.inverse([-1.0, -0.1, -0.01])).round(6)  # the time scale itself
    array([  1.,  10., 100.])
    """

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(w)."""
        return -np.exp(real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(w)."""
        return -np.exp(real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(-eigenvalue), for a negative eigenvalue."""
        return np.log(-within(eigenvalue, -np.inf, 0.0, self))


@dataclass(frozen=True)
class Softplus(Reparameterisation):
    """p(w) = -log(1 + exp(w))."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-log(1 + exp(w))."""
        return -np.logaddexp(0.0, real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 / (1 + exp(-w))."""
        return -scipy.special.expit(real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(exp(-eigenvalue) - 1), for a negative eigenvalue."""
        rate = -within(eigenvalue, -np.inf, 0.0, self)
        return rate + np.log(-np.expm1(-rate))  # log(e^rate - 1) without overflow


@dataclass(frozen=True)
class Sigmoid(Reparameterisation):
    """p(w) = -1 / (1 + exp(-w)): rates below 1 only."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 / (1 + exp(-w))."""
        return -scipy.special.expit(real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(-w) / (1 + exp(-w))^2."""
        weight = real("w", w)
        return -scipy.special.expit(weight) * scipy.special.expit(-weight)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(-eigenvalue / (1 + eigenvalue)), for an eigenvalue in (-1, 0)."""
        return scipy.special.logit(-within(eigenvalue, -1.0, 0.0, self))

    def discrete(self) -> DiscreteReparameterisation:
        """1 / (1 + exp(w)), which is also the discrete form of `Softplus`."""
        return Euler(self)


class _TimeScale(Reparameterisation):
    """p(w) = -1 / T(w): a map of the time scale T, which is even in w and at least b."""

    b: float

    @abstractmethod
    def _time_scale(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """T(w)."""

    @abstractmethod
    def _slope(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """dT/dw."""

    @abstractmethod
    def _weight(self, beyond: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Non-negative weight at which T(w) = b + `beyond`."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 / T(w)."""
        with np.errstate(divide="ignore"):  # b = 0 and w = 0: the documented -inf
            return -1.0 / self._time_scale(w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """T'(w) / T(w)^2."""
        scale = self._time_scale(w)
        if np.any(scale == 0):
            raise ValueError(f"{self} has no derivative at w = 0; take b > 0.")
        return self._slope(w) / scale**2

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Non-negative weight of an eigenvalue in [-1/b, 0)."""
        low = -1.0 / self.b if self.b > 0 else -np.inf
        found = within(eigenvalue, low, 0.0, self, "low" if self.b > 0 else "")
        # The difference may round to just below zero at the end of the range.
        return self._weight(np.maximum(-1.0 / found - self.b, 0.0))

    def discrete(self) -> DiscreteReparameterisation:
        """1 - 1 / T(w)."""
        return Euler(self)


@dataclass(frozen=True)
class Inverse(_TimeScale):
    """p(w) = -1 / (abs(w) + b): the weight is the time scale, so G(w) = 1.

    Range [-1/b, 0). With b = 0 the eigenvalue is -inf at w = 0, and a small weight pushed
    by beta changes its time scale by any factor: the map is stable for b > 0 only. It has
    a corner at w = 0, where the derivative is given as 0.
    """

    b: float = 0.5

    def __post_init__(self) -> None:
        require_positive("b", self.b, zero_allowed=True)

    def _time_scale(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        return np.abs(real("w", w)) + self.b

    def _slope(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        return np.sign(real("w", w))

    def _weight(self, beyond: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        return beyond


@dataclass(frozen=True)
class Best(_TimeScale):
    r"""p(w) = -1 / (a w^2 + b): gradients grow like the weight, G(w) = 2 a abs(w).

    Range [-1/b, 0). The paper takes b = 0.5, the code published with it b = 0.1. With
    b = 0 the eigenvalue is -inf at w = 0, and the map is no longer stable there. The discrete
    form, 1 - 1 / (a w^2 + b), has the range [1 - 1/b, 1), which is [-1, 1) for b = 0.5.
    """

    a: float = 1.0
    b: float = 0.5

    def __post_init__(self) -> None:
        require_positive("a", self.a)
        require_positive("b", self.b, zero_allowed=True)

    def _time_scale(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        return self.a * real("w", w) ** 2 + self.b

    def _slope(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        return 2.0 * self.a * real("w", w)

    def _weight(self, beyond: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        return np.sqrt(beyond / self.a)
