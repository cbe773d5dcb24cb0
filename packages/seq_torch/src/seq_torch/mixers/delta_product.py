"""DeltaProduct: several Householder factors per position."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer

from .delta_rule import DeltaRuleConfig


@dataclass(frozen=True, kw_only=True)
class DeltaProductConfig(DeltaRuleConfig):
    r"""The delta rule of `DeltaNetConfig`, applied several times at each position.

    .. math::
        S_{t,0} = \alpha_t S_{t-1}, \qquad
        S_{t,j} = (I - \beta_{t,j} k_{t,j} k_{t,j}^\top) S_{t,j-1}
                  + \beta_{t,j} k_{t,j} v_{t,j}^\top, \qquad
        o_t = c\, S_{t,n_h}^\top q_t

    with keys, values and strengths of their own for each :math:`j = 1, \dots, n_h`, and
    :math:`\alpha = 1` unless `gated`. With `eigenvalues="signed"`, two factors are a rotation, and
    n factors any orthogonal matrix of size n.

    Parameters
    ----------
    factors
        The number n_h.
    gated
        Whether the state decays, and the block has a gate, as in `GatedDeltaNetConfig`.
    heads, key_dim, value_dim, eigenvalues, block, convolution, trained_start
        As in `DeltaNetConfig`.
    normalisation, read_scale, bias, start
        As in `DeltaNetConfig`.

    Notes
    -----
    The published layer is the one with `gated=True` and `eigenvalues="signed"`.

    References
    ----------
    Siems, Carstensen, Zela, Hutter, Pontil, Grazzi, arXiv 2502.10297; Grazzi et al., arXiv
    2411.12537, proposition 1 (what products of such factors reach).
    """

    factors: int = 2
    gated: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("factors", self.factors, minimum=1)
        require_flag("gated", self.gated)

    @property
    def decays(self) -> bool:
        """Whether the state decays at every position."""
        return self.gated

    @property
    def householders(self) -> int:
        """Factors of a position."""
        return self.factors
