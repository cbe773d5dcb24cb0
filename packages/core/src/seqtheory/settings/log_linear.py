"""Log-linear attention: Mamba-2 and gated DeltaNet with a state for each block of the past."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_integer
from seqtheory.plain import added

from .delta_rule import GatedDeltaNet
from .mamba2 import Mamba2
from .mixer import TransitionClass
from .state_space import ShrunkByDepth, Start


@dataclass(frozen=True, kw_only=True)
class LogLinearMamba2(Mamba2):
    r"""Mamba-2 that keeps the blocks of a tree over the past apart, and weighs each when it reads.

    .. math:: y_i = \sum_{j \le i} \lambda_i^{(\ell(i, j))}\,
              \Big(\prod_{s = j + 1}^{i} a_s\Big)\, (C_i^\top B_j)\, \Delta_j u_j + D u_i, \qquad
              \lambda_i = \mathrm{softplus}(\Lambda \odot W_\lambda x_i)

    in each head, where :math:`\ell(i, j)` is 0 for j = i, and else 1 plus the place of the highest
    bit in which i and j, counted from 0, differ. With :math:`\lambda = 1` it is Mamba-2.

    Parameters
    ----------
    levels
        Numbers in :math:`\lambda`; a sequence has at most :math:`2^{\text{levels} - 1}` positions.
    start
        "published": weights of the input map, of :math:`W_\lambda` and of the convolution from N(0,
        0.02^2), its bias 0; A = 1, ..., heads; :math:`W_{out}` as torch's linear maps, times
        :math:`1 / \sqrt{2 \cdot \text{layers}}`. "own": as Mamba-2 with that start. In both
        :math:`\Lambda` is 1.

    Notes
    -----
    What it hands on is a state for every bit of the position: it grows with the logarithm of the
    length, so that there is no `step`. `eigenvalues` is "unit". The published code is
    flash-linear-attention 0.6.0, `fla/layers/log_linear_mamba2.py`, whose model has
    :math:`\Lambda`, A and D without weight decay.

    References
    ----------
    Guo, Yang, Goel, Xing, Dao, Kim, arXiv 2506.04761, sections 3 and 4.
    """

    levels: int = 15
    start: Start = added("published")  # noqa: RUF009

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.levels, self.eigenvalues)

    @property
    def transition_class(self) -> TransitionClass:
        """None: what it keeps grows with the sequence."""
        return "none"

    @property
    def output_factor(self) -> float:
        """Factor of the output map at the start."""
        return _output_factor(self)


@dataclass(frozen=True, kw_only=True)
class LogLinearGatedDeltaNet(GatedDeltaNet, ShrunkByDepth):
    r"""Gated DeltaNet that keeps the blocks of a tree over the past apart.

    .. math:: o_i = c \sum_{j \le i} \lambda_i^{(\ell(i, j))}\,
              \Big(q_i^\top \prod_{s = j + 1}^{i} \alpha_s (I - \beta_s k_s k_s^\top)\, k_j\Big)
              \beta_j v_j, \qquad \lambda_i = \mathrm{softplus}(\Lambda \odot W_\lambda x_i)

    in each head, later factors on the left, where :math:`\ell(i, j)` is 0 for j = i, and else 1
    plus the place of the highest bit in which i and j, counted from 0, differ. With
    :math:`\lambda = 1` it is gated DeltaNet.

    Parameters
    ----------
    levels
        Numbers in :math:`\lambda`; a sequence has at most :math:`2^{\text{levels} - 1}` positions.
    start
        "published": as gated DeltaNet, but :math:`W_o` as torch's linear maps, times :math:`1 /
        \sqrt{2 \cdot \text{layers}}`. "own": as gated DeltaNet with that start. In both
        :math:`\Lambda` is 1.
    layers
        Number of layers for the published start; None for that of the model of which the mixer is
        a layer, and 1 for a mixer alone.

    Notes
    -----
    What it hands on grows with the logarithm of the length, so that there is no `step`. The start
    of the state is zero: `trained_start` is False. The published code is that of the paper,
    `hattention/modeling_h_gated_deltanet.py`.

    References
    ----------
    Guo, Yang, Goel, Xing, Dao, Kim, arXiv 2506.04761, sections 3 and 4.
    """

    levels: int = 15
    bias: bool = False
    read_scale: float | None = 1.0
    start: Start = "published"

    def __post_init__(self) -> None:
        super().__post_init__()
        ShrunkByDepth.__post_init__(self)
        _check(self.levels)
        if self.trained_start:
            raise ValueError(
                "got trained_start=True, expected False: a state from before the sequence is in no "
                "block of the tree."
            )

    @property
    def transition_class(self) -> TransitionClass:
        """None: what it keeps grows with the sequence."""
        return "none"

    @property
    def output_factor(self) -> float:
        """Factor of the output map at the start."""
        return _output_factor(self)


def _check(levels: int, eigenvalues: str = "unit") -> None:
    require_integer("levels", levels, minimum=1)
    if eigenvalues != "unit":
        raise ValueError(
            f"got eigenvalues={eigenvalues!r}, expected 'unit': decays are summed by logarithms."
        )


def _output_factor(settings: ShrunkByDepth) -> float:
    return (2 * (settings.layers or 1)) ** -0.5 if settings.start == "published" else 1.0
