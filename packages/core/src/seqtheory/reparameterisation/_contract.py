"""What a reparameterisation offers, and its two forms in discrete time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from seqtheory._array import as_array
from seqtheory.checks import require_positive

if TYPE_CHECKING:
    from jaxtyping import Float


def real(name: str, values: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """`values` as a float64 array; raise TypeError for complex numbers and text."""
    array = as_array(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, but has dtype {array.dtype}.")
    return array.astype(np.float64)


def within(
    eigenvalue: ArrayLike, low: float, high: float, owner: object, closed: str = ""
) -> Float[np.ndarray, "*shape"]:
    """Return eigenvalues; raise ValueError for one outside (low, high), ends as in `closed`."""
    array = real("eigenvalue", eigenvalue)
    above = array >= low if "low" in closed else array > low
    below = array <= high if "high" in closed else array < high
    inside = above & below
    if not np.all(inside):
        worst = array[~inside].ravel()[0] if array.ndim else float(array)
        raise ValueError(
            f"{owner} cannot reach the eigenvalue {worst}: its range is "
            f"{'[' if 'low' in closed else '('}{low}, {high}{']' if 'high' in closed else ')'}."
        )
    return array


class _Common(ABC):
    """What continuous and discrete reparameterisations share."""

    limit: ClassVar[float]
    """The eigenvalue of a mode that never forgets: 0 (continuous) or 1 (discrete)."""

    @abstractmethod
    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Eigenvalue of the weight `w`."""

    @abstractmethod
    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Differentiate the eigenvalue with respect to the weight."""

    @abstractmethod
    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of an eigenvalue; the non-negative one where there are two."""

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """`limit` minus the eigenvalue: the rate at which the mode forgets."""
        return self.limit - self(w)

    def gradient_scale(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        r"""Factor by which the parameterisation scales the gradient of a loss.

        .. math:: G_p(w) = |p'(w)|\, /\, (\text{limit} - p(w))^2,

        that is :math:`|p'| / p^2` in continuous and :math:`|p'| / (1-p)^2` in discrete
        time: the loss gradient is bounded by a constant, independent of p, times G.

        Where a mode never forgets, G is infinite if p'(w) is not zero, and zero if it is: a mode of
        `ReLU` with w < 0, for example, is not trained at all.

        References
        ----------
        arXiv:2311.14495, theorem 3.6.
        """
        slope, distance = np.abs(self.derivative(w)), self.distance(w)
        endless = np.where(slope > 0, np.inf, 0.0)
        with np.errstate(over="ignore"):  # a G beyond the largest float is infinite
            finite = slope / np.where(distance == 0, 1.0, distance) ** 2
        return np.where(distance == 0, endless, finite)


class Reparameterisation(_Common):
    """A map from weights to eigenvalues of a continuous-time mode."""

    limit = 0.0

    def discrete(self) -> DiscreteReparameterisation:
        """Discrete-time form with the same weights: here exp(p(w)), `Sampled`."""
        return Sampled(self)


class DiscreteReparameterisation(_Common):
    """A map from weights to eigenvalues of a discrete-time mode, h_{k+1} = p(w) h_k + ..."""

    limit = 1.0


@dataclass(frozen=True)
class Sampled(DiscreteReparameterisation):
    """exp(dt p(w)): the continuous mode sampled every `dt`, without error.

    Examples
    --------
    The linear recurrent unit (arXiv:2303.06349) has eigenvalues exp(-exp(w)):

    >>> from seqtheory.reparameterisation import Exp
    >>> Exp().discrete() == Sampled(Exp()), float(Exp().discrete()(0.0).round(6))
    (True, 0.367879)
    """

    continuous: Reparameterisation
    dt: float = 1.0

    def __post_init__(self) -> None:
        require_positive("dt", self.dt)

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """exp(dt p(w))."""
        return np.exp(self.dt * self.continuous(w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Give dt p'(w) exp(dt p(w))."""
        return self.dt * self.continuous.derivative(w) * self(w)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of a positive eigenvalue that the continuous map reaches."""
        return self.continuous.inverse(np.log(within(eigenvalue, 0.0, np.inf, self)) / self.dt)

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 - exp(dt p(w)), without cancellation."""
        return -np.expm1(self.dt * self.continuous(w))


@dataclass(frozen=True)
class Euler(DiscreteReparameterisation):
    """1 + dt p(w): one Euler step of the continuous mode, as a residual recurrence takes.

    Stable only for -2 < dt p(w) < 0: it can leave the stable range below -1 as well.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Best
    >>> Best().discrete() == Euler(Best()), float(Best().discrete()(0.0))
    (True, -1.0)
    """

    continuous: Reparameterisation
    dt: float = 1.0

    def __post_init__(self) -> None:
        require_positive("dt", self.dt)

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 + dt p(w)."""
        return 1.0 + self.dt * self.continuous(w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Give dt p'(w)."""
        return self.dt * self.continuous.derivative(w)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of an eigenvalue for which (eigenvalue - 1) / dt is in the range of p."""
        return self.continuous.inverse((real("eigenvalue", eigenvalue) - 1.0) / self.dt)

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-dt p(w)."""
        return self.dt * self.continuous.distance(w)
