r"""Reparameterisations: how a trained weight w becomes the eigenvalue p(w) of a mode.

A mode with eigenvalue :math:`\lambda = p(w)` remembers for the time
:math:`1 / |\lambda|` (continuous, stable for :math:`\lambda < 0`) or
:math:`1 / (1 - \lambda)` (discrete, stable for :math:`-1 < \lambda < 1`). The choice of p
decides whether a small change of w can make a mode unstable, and how large gradients
become as memory grows.

Every class offers ``p(w)``, ``p.derivative(w)``, ``p.inverse(eigenvalue)``,
``p.distance(w)`` to the eigenvalue that never forgets, and ``p.gradient_scale(w)``;
a continuous one also ``p.discrete()``. All act elementwise on real arrays and return
float64. To add one, subclass `Reparameterisation` or `DiscreteReparameterisation`.

References
----------
S. Wang and Q. Li, "StableSSM: Alleviating the Curse of Memory in State-space Models
through Stable Reparameterization", arXiv:2311.14495, section 3. The eigenvalue of
`Direct` is the weight itself; the code published with that paper gives it the other sign,
which starts unstable.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._settings import require_positive

if TYPE_CHECKING:
    from jaxtyping import Float


def _real(name: str, values: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """`values` as a float64 array; complex numbers and text are refused."""
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, but has dtype {array.dtype}.")
    return array.astype(np.float64)


def _eigenvalues_within(
    eigenvalue: ArrayLike, low: float, high: float, owner: object, *, closed: bool = False
) -> Float[np.ndarray, "*shape"]:
    """Eigenvalues that `owner` can reach: low < eigenvalue < high (low included if closed)."""
    array = _real("eigenvalue", eigenvalue)
    inside = (array >= low if closed else array > low) & (array < high)
    if not np.all(inside):
        worst = array[~inside].ravel()[0] if array.ndim else float(array)
        raise ValueError(
            f"{owner} cannot reach the eigenvalue {worst}: its range is "
            f"{'[' if closed else '('}{low}, {high})."
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

        References
        ----------
        arXiv:2311.14495, theorem 3.6.
        """
        return np.abs(self.derivative(w)) / self.distance(w) ** 2


class Reparameterisation(_Common):
    """A map from weights to eigenvalues of a continuous-time mode."""

    limit = 0.0

    @abstractmethod
    def discrete(self) -> DiscreteReparameterisation:
        """Discrete-time form, with the same weights."""


class DiscreteReparameterisation(_Common):
    """A map from weights to eigenvalues of a discrete-time mode, h_{k+1} = p(w) h_k + ..."""

    limit = 1.0


@dataclass(frozen=True)
class Direct(Reparameterisation):
    """p(w) = w. Nothing keeps the eigenvalue negative: it is unstable from w = 0 on."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """W."""
        return _real("w", w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1."""
        return np.ones_like(_real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of any finite eigenvalue."""
        return _eigenvalues_within(eigenvalue, -np.inf, np.inf, self)

    def discrete(self) -> DiscreteDirect:
        """1 + w."""
        return DiscreteDirect()


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
        return -np.exp(_real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(w)."""
        return -np.exp(_real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(-eigenvalue), for a negative eigenvalue."""
        return np.log(-_eigenvalues_within(eigenvalue, -np.inf, 0.0, self))

    def discrete(self) -> DiscreteExp:
        """exp(-exp(w)), as in the linear recurrent unit."""
        return DiscreteExp()


@dataclass(frozen=True)
class Softplus(Reparameterisation):
    """p(w) = -log(1 + exp(w))."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-log(1 + exp(w))."""
        return -np.logaddexp(0.0, _real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 / (1 + exp(-w))."""
        return -special.expit(_real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(exp(-eigenvalue) - 1), for a negative eigenvalue."""
        rate = -_eigenvalues_within(eigenvalue, -np.inf, 0.0, self)
        return rate + np.log(-np.expm1(-rate))  # log(e^rate - 1) without overflow

    def discrete(self) -> DiscreteSoftplus:
        """exp(p(w)) = 1 / (1 + exp(w))."""
        return DiscreteSoftplus()


@dataclass(frozen=True)
class Best(Reparameterisation):
    r"""p(w) = -1 / (a w^2 + b): gradients grow like the weight, G(w) = 2 a abs(w).

    Range [-1/b, 0). The paper takes b = 0.5, the code published with it b = 0.1. With
    b = 0 the eigenvalue is -inf at w = 0, and the map is no longer stable there.
    """

    a: float = 1.0
    b: float = 0.5

    def __post_init__(self) -> None:
        require_positive("a", self.a)
        require_positive("b", self.b, zero_allowed=True)

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-1 / (a w^2 + b)."""
        with np.errstate(divide="ignore"):  # b = 0 and w = 0: the documented -inf
            return -1.0 / self._time_scale(w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """2 a w / (a w^2 + b)^2."""
        scale = self._time_scale(w)
        if np.any(scale == 0):
            raise ValueError(f"{self} has no derivative at w = 0; take b > 0.")
        return 2.0 * self.a * _real("w", w) / scale**2

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Non-negative weight of an eigenvalue in [-1/b, 0)."""
        low = -1.0 / self.b if self.b > 0 else -np.inf
        found = _eigenvalues_within(eigenvalue, low, 0.0, self, closed=self.b > 0)
        # The difference may round to just below zero at the end of the range.
        return np.sqrt(np.maximum(-1.0 / found - self.b, 0.0) / self.a)

    def discrete(self) -> DiscreteBest:
        """1 - 1 / (a w^2 + b)."""
        return DiscreteBest(self.a, self.b)

    def _time_scale(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        return self.a * _real("w", w) ** 2 + self.b


@dataclass(frozen=True)
class DiscreteDirect(DiscreteReparameterisation):
    """p(w) = 1 + w."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 + w."""
        return 1.0 + _real("w", w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1."""
        return np.ones_like(_real("w", w))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight of any finite eigenvalue."""
        return _eigenvalues_within(eigenvalue, -np.inf, np.inf, self) - 1.0

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-w."""
        return -_real("w", w)


@dataclass(frozen=True)
class DiscreteExp(DiscreteReparameterisation):
    """p(w) = exp(-exp(w)), the linear recurrent unit (arXiv:2303.06349)."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """exp(-exp(w))."""
        return np.exp(-np.exp(_real("w", w)))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(w - exp(w))."""
        weight = _real("w", w)
        return -np.exp(weight - np.exp(weight))

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(-log(eigenvalue)), for an eigenvalue in (0, 1)."""
        return np.log(-np.log(_eigenvalues_within(eigenvalue, 0.0, 1.0, self)))

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 - exp(-exp(w)), without cancellation."""
        return -np.expm1(-np.exp(_real("w", w)))


@dataclass(frozen=True)
class DiscreteSoftplus(DiscreteReparameterisation):
    """p(w) = 1 / (1 + exp(w)): a sigmoid of -w."""

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 / (1 + exp(w))."""
        return special.expit(-_real("w", w))

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """-exp(w) / (1 + exp(w))^2."""
        weight = _real("w", w)
        return -special.expit(weight) * special.expit(-weight)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """log(1 / eigenvalue - 1), for an eigenvalue in (0, 1)."""
        return -special.logit(_eigenvalues_within(eigenvalue, 0.0, 1.0, self))

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 / (1 + exp(-w))."""
        return special.expit(_real("w", w))


@dataclass(frozen=True)
class DiscreteBest(DiscreteReparameterisation):
    """p(w) = 1 - 1 / (a w^2 + b); range [1 - 1/b, 1), which is [-1, 1) for b = 0.5."""

    a: float = 1.0
    b: float = 0.5

    def __post_init__(self) -> None:
        Best(self.a, self.b)  # the same bounds on a and b

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 - 1 / (a w^2 + b)."""
        return 1.0 + Best(self.a, self.b)(w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """2 a w / (a w^2 + b)^2."""
        return Best(self.a, self.b).derivative(w)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Non-negative weight of an eigenvalue in [1 - 1/b, 1)."""
        low = 1.0 - 1.0 / self.b if self.b > 0 else -np.inf
        found = _eigenvalues_within(eigenvalue, low, 1.0, self, closed=self.b > 0)
        return np.sqrt(np.maximum(1.0 / (1.0 - found) - self.b, 0.0) / self.a)

    def distance(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """1 / (a w^2 + b)."""
        return -Best(self.a, self.b)(w)
