"""S5: one state-space model with many inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_flag, require_integer, require_memory, require_positive
from seqtheory.hippo import normal_part

from .mixer import TransitionClass
from .state_space import (
    Directed,
    Discretisation,
    Start,
    check_discretisation,
    check_start,
    check_steps,
    fixed_transition,
    num_modes,
)

if TYPE_CHECKING:
    from jaxtyping import Complex


CLIPPED_AT = -1e-4
"""Largest real part of an eigenvalue where `clip_eigenvalues` is set."""


@dataclass(frozen=True, kw_only=True)
class S5(Directed):
    r"""One diagonal state-space model over all channels.

    .. math:: h_k = \bar\Lambda h_{k-1} + \bar B u_k, \qquad
              y_k = 2\,\mathrm{Re}(C h_k) + D u_k,

    where Lambda starts from the eigenvalues of `blocks` copies of HiPPO-N of size P / blocks, and
    B and C are drawn in real coordinates and carried to its eigenvectors. A block of odd size has
    one real state, which counts once, without the 2.

    Parameters
    ----------
    state_dim
        P, the number of real states. With conjugate symmetry one complex state is stored for each
        pair, and one for the real state of each block of odd size.
    blocks
        Copies of HiPPO-N, a divisor of `state_dim`.
    conjugate_symmetry
        Whether only one state of each conjugate pair is kept. Without, all P are kept, free to
        move apart, and y = Re(C h) + D u (the s5-pytorch package).
    discretisation
        "zero_order_hold" or "bilinear".
    clip_eigenvalues
        Whether Re Lambda is kept at or below -1e-4.
    bidirectional
        Whether a second scan of the same system runs backwards in time. Its states are appended to
        those of the first, and C has twice the columns. The mixer is then not causal and has no
        `step`.
    dt_min, dt_max
        Steps, one per state, start log-uniformly between these.
    step_scale
        Factor of all steps. A model that was trained on one sampling rate runs on inputs that are
        sampled twice as often with half its `step_scale`.
    skip
        Whether the term D u is present; D starts from N(0, 1).
    start
        "own" as said in the notes, or "published": B real of variance 1 / P, and C complex of
        variance 2 / P, from normals cut off at two deviations, before both are carried over.

    Raises
    ------
    ValueError
        If `blocks` does not divide `state_dim`.

    Notes
    -----
    B and C start normal with variances 1 / width and 1 / P. Without clipping Re Lambda may become
    positive in training and the scan overflow. Imaginary parts of the real states are stored and
    have no effect.

    References
    ----------
    Smith, Warrington, Linderman, arXiv 2208.04933, sections 3 and 4.3 and appendix B; the
    published start is that of lindermanlab/S5 at 3c18fdb, `s5/ssm_init.py`, with the default
    `C_init` of its command, "trunc_standard_normal".
    """

    state_dim: int = 64
    blocks: int = 1
    conjugate_symmetry: bool = True
    discretisation: Discretisation = "zero_order_hold"
    clip_eigenvalues: bool = False
    bidirectional: bool = False
    dt_min: float = 1e-3
    dt_max: float = 1e-1
    step_scale: float = 1.0
    skip: bool = True
    start: Start = "own"

    def __post_init__(self) -> None:
        require_integer("state_dim", self.state_dim, minimum=1)
        require_integer("blocks", self.blocks, minimum=1)
        for name in ("conjugate_symmetry", "clip_eigenvalues", "bidirectional", "skip"):
            require_flag(name, getattr(self, name))
        check_discretisation(self.discretisation)
        check_steps(self.dt_min, self.dt_max)
        require_positive("step_scale", self.step_scale)
        check_start(self.start)
        if self.state_dim % self.blocks:
            raise ValueError(
                f"state_dim={self.state_dim} cannot be cut into {self.blocks} equal blocks; choose "
                "a multiple."
            )

    @property
    def transition_class(self) -> TransitionClass:
        """Diagonal, the same for all inputs."""
        if not self.causal:
            return "none"
        real = self.conjugate_symmetry and self.state_dim == self.blocks
        return fixed_transition(self.discretisation, real=real)

    @property
    def odd(self) -> bool:
        """Whether each block has a real state, besides its pairs."""
        return self.conjugate_symmetry and self.state_dim // self.blocks % 2 == 1

    @property
    def block_modes(self) -> int:
        """Number of states that are stored per block."""
        size = self.state_dim // self.blocks
        return num_modes(size) if self.conjugate_symmetry else size

    def block_spectrum(
        self,
    ) -> tuple[Complex[np.ndarray, " state"], Complex[np.ndarray, "real state"]]:
        """Eigenvalues of all blocks, and the block-diagonal matrix of their eigenvectors."""
        kept = self.block_modes
        values, vectors = normal_part(self.state_dim // self.blocks)
        what = f"the eigenvectors of state_dim={self.state_dim:,} and blocks={self.blocks:,}"
        require_memory(3 * 16 * self.state_dim * self.blocks * kept, what)
        copies = np.eye(self.blocks)
        return np.tile(values[:kept], self.blocks), np.kron(copies, vectors[:, :kept])
