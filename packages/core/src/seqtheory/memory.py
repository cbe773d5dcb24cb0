r"""Memory kernels: how much of an input of age t a linear functional still holds.

A linear, causal, time-homogeneous functional is a convolution with its kernel,

.. math:: y(t) = \int_0^\infty \rho(s)\, x(t - s)\, ds,

and its memory function is :math:`|\rho|`. Each kernel is a frozen dataclass that is
called with ages `t >= 0` of any shape and gives float64 values of that shape.

References
----------
Z. Li, J. Han, W. E and Q. Li, "On the curse of memory in recurrent neural networks",
arXiv:2009.07799; S. Wang, Z. Li and Q. Li, "Inverse approximation theory for nonlinear
recurrent neural networks", arXiv:2305.19190, appendix C (the two counter-examples).
The kernels that need no further source are the targets of the code published with the
latter and with S. Wang and Q. Li, "StableSSM", arXiv:2311.14495.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from seqtheory._array import as_array
from seqtheory.checks import require_integer, require_positive

if TYPE_CHECKING:
    from jaxtyping import Float

_MOST_TERMS = 1_000_000  # the error is then 1e-19, far below rounding


@runtime_checkable
class Kernel(Protocol):
    """A memory kernel: any callable from ages to values of the same shape.

    A kernel that is to be stored in a run or a model file must be a frozen dataclass that inherits
    from this class: stored values are found by the name of their class.
    """

    def __call__(self, t: Any, /) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        ...


def _ages(t: ArrayLike) -> Float[np.ndarray, "*shape"]:
    """`t` as float64; raise unless all ages are real numbers of at least 0."""
    ages = as_array(t)
    if ages.dtype.kind not in "iuf":
        raise TypeError(f"the age t must be real numbers, but has dtype {ages.dtype}.")
    ages = ages.astype(np.float64)
    if not np.all(ages >= 0):  # written so that NaN fails too
        raise ValueError(
            f"the age t must be zero or positive, but holds {np.min(ages)}: "
            "a kernel weighs the past only."
        )
    return ages


def sample(kernel: Kernel, times: Float[np.ndarray, " time"]) -> Float[np.ndarray, " time"]:
    """Values of a kernel at `times`, checked: one finite real number for each."""
    values = as_array(kernel(times))
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{kernel} must give real numbers, but gave dtype {values.dtype}.")
    if values.shape != times.shape:
        raise ValueError(
            f"{kernel} must give one value per time, shape {times.shape}, "
            f"but gave shape {values.shape}."
        )
    bad = ~np.isfinite(values)
    if bad.any():
        raise ValueError(f"{kernel} gives {values[bad][0]} at t = {times[bad][0]}.")
    return values.astype(np.float64)


@dataclass(frozen=True)
class Exponential(Kernel):
    r""":math:`\rho(t) = e^{-\text{rate}\, t}`.

    Examples
    --------
    >>> float(Exponential(rate=2.0)(0.0))
    1.0
    """

    rate: float = 1.0

    def __post_init__(self) -> None:
        require_positive("rate", self.rate)

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        return np.exp(-self.rate * _ages(t))


@dataclass(frozen=True)
class Polynomial(Kernel):
    r""":math:`\rho(t) = (1 + \text{rate}\, t)^{-\text{power}}`, integrable if power > 1.

    Since :math:`(1+t)^{-p} = \frac{1}{\Gamma(p)} \int_0^\infty s^{p-1} e^{-s} e^{-st} ds`,
    it is a mixture of exponentials of every rate down to zero: no finite set of rates
    bounded away from zero follows it.

    Examples
    --------
    >>> round(float(Polynomial(rate=1.0, power=1.1)(10.0)), 10)
    0.0715266766
    """

    rate: float = 0.1
    power: float = 1.1

    def __post_init__(self) -> None:
        require_positive("rate", self.rate)
        require_positive("power", self.power)

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        return (1.0 + self.rate * _ages(t)) ** -self.power


@dataclass(frozen=True)
class Sine(Kernel):
    r""":math:`\rho(t) = \sin t`: never forgets, so it is not integrable."""

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        return np.sin(_ages(t))


@dataclass(frozen=True)
class Shift(Kernel):
    r""":math:`\rho(t) = 1` for :math:`9 < t < 11` and 0 elsewhere: a blurred delay of 10."""

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        ages = _ages(t)
        return ((ages > 9.0) & (ages < 11.0)).astype(np.float64)


@dataclass(frozen=True)
class TwoParts(Kernel):
    r""":math:`\rho(t) = e^{-t} + e^{-(t-9)^2}`: the recent past, and a window at age 9."""

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        ages = _ages(t)
        return np.exp(-ages) + np.exp(-((ages - 9.0) ** 2))


@dataclass(frozen=True)
class Airy(Kernel):
    r""":math:`\rho(t) = \operatorname{Ai}(t - \text{shift})`: oscillates up to age `shift`.

    Examples
    --------
    >>> round(float(Airy(shift=6.0)(6.0)), 10)
    0.3550280539
    """

    shift: float = 6.0

    def __post_init__(self) -> None:
        require_positive("shift", self.shift, zero_allowed=True)

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        # airy gives (Ai, Ai', Bi, Bi').
        return as_array(special.airy(_ages(t) - self.shift)[0], dtype=np.float64)


@dataclass(frozen=True)
class ExponentialSum(Kernel):
    r""":math:`\rho(t) = \sum_{k=1}^\infty k^{-2} e^{-t / k^{\text{power}}}`, power 1 or 2.

    The counter-examples of the curse of memory. Each width-m truncation is a linear
    recurrent network, and its slowest rates go to zero as m grows. With ``power=1`` the
    approximation is unstable unless mode k is rescaled by 1/k. With ``power=2`` it is unstable even
    after that rescaling.

    Notes
    -----
    The first K = `num_terms` terms are added one by one. The rest is too large to leave out: it is
    about 1/K at t = 0 and dominates at t >> K^power. It is replaced by its integral from K + 1/2,
    known in closed form. The second derivative of a term in k is below 6 / k^4, so the error of
    this midpoint rule is below ``1 / (12 K^3)``: 8.4e-11 at the default. The computation needs no
    more memory than its result.

    References
    ----------
    arXiv:2305.19190, appendix C.

    Examples
    --------
    >>> bool(abs(ExponentialSum(power=2)(0.0) - np.pi**2 / 6) < 1e-10)
    True
    """

    power: int = 1
    num_terms: int = 1000

    def __post_init__(self) -> None:
        require_integer("num_terms", self.num_terms, 2, maximum=_MOST_TERMS)
        if self.power not in (1, 2):
            raise ValueError(f"power={self.power!r}: expected 1 or 2: e^(-t/k) or e^(-t/k^2).")

    def __call__(self, t: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Evaluate the kernel at ages `t`."""
        ages = _ages(t)
        total = self._tail(ages)
        for k in range(self.num_terms, 0, -1):  # small terms first: less rounding
            total = total + np.exp(-ages / float(k) ** self.power) / float(k) ** 2
        return total

    def _tail(self, ages: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Integral of the terms over k from num_terms + 1/2 on; u = 1/k in the exponent."""
        end = 1.0 / (self.num_terms + 0.5)
        if self.power == 1:
            # int_0^end e^{-t u} du = end * (1 - e^{-v}) / v with v = t * end.
            return end * cast("np.ndarray", special.exprel(-ages * end))
        # int_0^end e^{-t u^2} du = end * sqrt(pi) / 2 * erf(v) / v, and 1 at v = 0.
        v = np.sqrt(ages) * end
        nonzero = np.where(v > 0, v, 1.0)
        fall: Any = 0.5 * np.sqrt(np.pi) * special.erf(nonzero) / nonzero
        return end * np.where(v > 0, fall, 1.0)
