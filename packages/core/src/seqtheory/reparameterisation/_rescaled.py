"""A reparameterisation with one scale per mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from seqtheory.checks import require_positive
from seqtheory.reparameterisation._contract import Reparameterisation, real

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Rescaled(Reparameterisation):
    r"""p(w)_k = scales_k inner(w_k): one scale for each mode, along the last axis.

    Ratios of eigenvalues, and so the stability functional, are those of `inner`. With
    `Direct` inside and scales 1/k, weight k holds a share of the k-th rate: the rescaling
    by which one slow memory, :math:`\sum_k k^{-2} e^{-t/k}`, can be approximated stably
    without a stable reparameterisation, and :math:`\sum_k k^{-2} e^{-t/k^2}` cannot.

    References
    ----------
    arXiv:2305.19190, appendix C.

    Examples
    --------
    >>> from seqtheory.reparameterisation import Direct
    >>> Rescaled(Direct(), (1.0, 0.5))([-1.0, -1.0])
    array([-1. , -0.5])
    """

    inner: Reparameterisation
    scales: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.scales:
            raise ValueError("scales=() is empty: give one positive scale for each mode.")
        for k, scale in enumerate(self.scales):
            require_positive(f"scales[{k}]", scale)

    def __call__(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Scales times inner(w)."""
        return self._by_mode(w) * self.inner(w)

    def derivative(self, w: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Scales times inner'(w)."""
        return self._by_mode(w) * self.inner.derivative(w)

    def inverse(self, eigenvalue: ArrayLike) -> Float[np.ndarray, "*shape"]:
        """Weight by which `inner` reaches eigenvalue / scale."""
        return self.inner.inverse(real("eigenvalue", eigenvalue) / self._by_mode(eigenvalue))

    def _by_mode(self, values: ArrayLike) -> Float[np.ndarray, " mode"]:
        shape = np.shape(values)
        if not shape or shape[-1] != len(self.scales):
            raise ValueError(
                f"Rescaled holds {len(self.scales)} scales, one for each mode, but got an array of "
                f"shape {shape}: its last axis must have that length."
            )
        return np.array(self.scales)
