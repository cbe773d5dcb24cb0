"""Stable approximation: wider networks come closer, even when their weights are perturbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from seqtheory.checks import require_positive
from seqtheory.memory import Kernel
from seqtheory.memory_theory._exponential_fit import ExponentialFit
from seqtheory.memory_theory._perturbation_error import perturbation_error
from seqtheory.memory_theory._perturbations import Perturbation
from seqtheory.memory_theory._stability import perturbation_sizes
from seqtheory.reparameterisation import Reparameterisation

if TYPE_CHECKING:
    from jaxtyping import Float


class Crossing(NamedTuple):
    """A beta at which the wider of two neighbouring widths has the larger error."""

    beta: float
    narrow: int
    wide: int


@dataclass(frozen=True, eq=False)
class StableApproximation:
    r"""Curves E_m(beta) of growing width, and the verdict on them.

    An approximation is stable if :math:`E(\beta) = \limsup_m E_m(\beta)` is zero and continuous at
    0. With finitely many widths this is tested as: a wider network never has the larger error.
    Where the curves of two widths cross at some beta, E stays above zero there at every width, and
    the crossings move towards beta = 0 as slower modes are added.
    """

    widths: tuple[int, ...]
    betas: Float[np.ndarray, " beta"]
    errors: Float[np.ndarray, "width beta"]
    up_to: float

    def __repr__(self) -> str:
        """Verdict first."""
        widths = f"widths {self.widths[0]} to {self.widths[-1]}"
        if self.is_stable:
            return f"StableApproximation(stable up to beta {self.up_to:g}: {widths})"
        first = min(self.crossings)
        return (
            f"StableApproximation(not stable: width {first.wide} is worse than {first.narrow} from "
            f"beta {first.beta:g} on, {widths})"
        )

    @property
    def limit(self) -> Float[np.ndarray, " beta"]:
        """Estimate of E(beta): the largest error of the wider half of the widths."""
        return self.errors[len(self.widths) // 2 :].max(axis=0)

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """Pairs of widths whose curves cross, at each beta above zero and up to `up_to`."""
        found: list[Crossing] = []
        for i in range(len(self.widths) - 1):
            worse = self.errors[i + 1] > self.errors[i] * (1 + 1e-9)
            worse &= (self.betas > 0) & (self.betas <= self.up_to)
            pair = self.widths[i], self.widths[i + 1]
            found += [Crossing(float(beta), *pair) for beta in self.betas[worse]]
        return tuple(found)

    @property
    def is_stable(self) -> bool:
        """Whether no two curves cross at betas up to `up_to`."""
        return not self.crossings

    @property
    def growth(self) -> Float[np.ndarray, "width beta"]:
        """E_m(beta) / E_m at the first beta."""
        return self.errors / self.errors[:, :1]


def stable_approximation(
    kernel: Kernel,
    parameterisation: Reparameterisation,
    widths: Sequence[int | ExponentialFit],
    betas: ArrayLike,
    *,
    slowest: float | Sequence[float] | None = None,
    fastest: float = 2.0,
    up_to: float = 1e-2,
    perturbation: Perturbation | Literal["shift", "vertices", "gaussian"] = "shift",
    norm: Literal["l1", "l2", "sup"] = "l1",
    horizon: int = 100,
    dt: float = 1.0,
    short_horizon: bool = False,
) -> StableApproximation:
    r"""Perturbation errors of growing widths, and whether they show a stable approximation.

    .. math:: E(\beta) = \limsup_m E_m(\beta), \qquad
        \lim_{\beta \to 0} E(\beta) = E(0) = 0

    Parameters
    ----------
    widths
        At least two numbers of exponentials, or fits of your own, in increasing order of width.
    betas
        Sizes of the perturbation, increasing; the first is zero.
    slowest
        Smallest rate of each width, or one for all, or None to optimise the rates.
    up_to
        The largest beta at which crossing curves count. Far beyond it every approximation fails:
        a perturbation as large as the weights leaves nothing of them.
    kernel
        The memory to approximate; its norm must be finite.
    parameterisation
        The map from weights to eigenvalues, in continuous time.
    fastest
        Largest rate, in 1 / time.
    perturbation
        ``"shift"``, ``"vertices"`` or ``"gaussian"``, or an object with settings of its own;
        `perturbation_error` explains them.
    norm
        ``"l1"``, ``"l2"`` or ``"sup"``, in which errors are measured.
    horizon, dt
        Number of steps over which the kernel is compared, and the time between them.
    short_horizon
        True accepts a horizon shorter than the time of the slowest mode.

    Notes
    -----
    The verdict depends on `perturbation`. In the worst case (``"vertices"``) even an exponential
    kernel has crossings once the fit holds modes that it does not need, since the errors of their
    large coefficients then add up.

    References
    ----------
    arXiv:2305.19190, definition 3.5, theorem 3.9 and appendix D.

    Examples
    --------
    >>> from seqtheory.memory import Polynomial
    >>> from seqtheory.reparameterisation import Direct, Exp
    >>> heavy_tail, figure = Polynomial(1.0, 1.1), {"slowest": (0.02, 0.004), "short_horizon": True}
    >>> stable_approximation(heavy_tail, Direct(), (4, 8), [0.0, 1e-2], **figure).crossings
    (Crossing(beta=0.01, narrow=4, wide=8),)
    >>> stable_approximation(heavy_tail, Exp(), (4, 8), [0.0, 1e-2], **figure).is_stable
    True
    """
    require_positive("up_to", up_to)
    sizes = perturbation_sizes(betas)
    if sizes[0] != 0 or not np.any((sizes > 0) & (sizes <= up_to)):
        raise ValueError(
            f"betas are {sizes.tolist()}, expected 0 first and at least one above it up to "
            f"up_to={up_to}: continuity at 0 is what is tested."
        )
    counts = [w.width if isinstance(w, ExponentialFit) else w for w in widths]
    if len(counts) < 2 or np.any(np.diff(counts) <= 0):
        raise ValueError(f"widths are {counts}, expected at least two, increasing.")
    rates = list(slowest) if isinstance(slowest, Sequence) else [slowest] * len(counts)
    if len(rates) != len(counts):
        raise ValueError(f"got {len(rates)} slowest rates for {len(counts)} widths.")
    errors = [
        perturbation_error(
            kernel,
            parameterisation,
            width,
            sizes,
            slowest=rate,
            fastest=fastest,
            perturbation=perturbation,
            norm=norm,
            horizon=horizon,
            dt=dt,
            short_horizon=short_horizon,
        )
        for width, rate in zip(widths, rates, strict=True)
    ]
    return StableApproximation(tuple(counts), sizes, np.stack(errors), up_to)
