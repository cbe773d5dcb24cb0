"""Norms of kernels, in which the approximation of a linear functional is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_choice
from seqtheory.memory import Kernel, sample

if TYPE_CHECKING:
    from jaxtyping import Float

NORMS = ("l1", "l2", "sup")

# Ages 2^8 to 2^20, in blocks each twice as long as the last, of this many samples.
_BLOCKS, _SAMPLES = range(8, 20), 64


@dataclass(frozen=True)
class FunctionalNorm:
    r"""Norm of a kernel sampled every `dt`.

    ``"l1"``, :math:`\int |\rho|`, is the norm of the functional on bounded inputs; ``"l2"`` its
    norm on white noise; ``"sup"`` its norm on inputs of bounded total weight.
    """

    kind: str
    dt: float

    def __post_init__(self) -> None:
        require_choice("norm", self.kind, NORMS)

    def __call__(self, residual: Float[np.ndarray, "*batch time"]) -> Float[np.ndarray, "*batch"]:
        """Norm over the last axis."""
        if self.kind == "l1":
            return self.dt * np.abs(residual).sum(axis=-1)
        if self.kind == "l2":
            return np.sqrt(self.dt * np.square(residual).sum(axis=-1))
        return np.abs(residual).max(axis=-1)

    def slope(self, residual: Float[np.ndarray, "batch time"]) -> Float[np.ndarray, "batch time"]:
        """Gradient of the norm with respect to the residual; a subgradient at corners."""
        if self.kind == "l1":
            return self.dt * np.sign(residual)
        if self.kind == "l2":
            size = self(residual)[:, None]
            return self.dt * residual / np.where(size > 0, size, 1.0)
        slope, rows = np.zeros_like(residual), np.arange(len(residual))
        top = np.abs(residual).argmax(axis=-1)
        slope[rows, top] = np.sign(residual[rows, top])
        return slope

    def require_finite(self, kernel: Kernel) -> None:
        """Raise unless the kernel's norm is finite, judged from its tail up to the age 1e6.

        Over blocks of doubling length the share of each in the integral must fall (for
        ``"sup"``: the largest value, as the kernel must go to zero). A tail that falls by less
        than 1 % over twelve blocks, such as 1 / t, is refused.
        """
        places = (np.arange(_SAMPLES) * 0.618033988749895) % 1.0  # no period to fall in step with
        power = {"l1": 1, "l2": 2, "sup": 1}[self.kind]
        masses: list[float] = []
        for block in _BLOCKS:
            heights = np.abs(sample(kernel, 2.0**block * (1.0 + np.sort(places)))) ** power
            masses.append(heights.max() if self.kind == "sup" else 2.0**block * heights.mean())
        if masses[-1] > 0.99 * masses[0] and masses[-1] > 0:
            wanted = {
                "l1": "integrable; take norm='l2' or norm='sup', or a kernel that falls faster",
                "l2": "square-integrable; take norm='sup', or a kernel that falls faster",
                "sup": "decaying; a memory that never fades has no stable approximation",
            }
            raise ValueError(f"norm={self.kind!r}: {kernel} is not {wanted[self.kind]}.")
