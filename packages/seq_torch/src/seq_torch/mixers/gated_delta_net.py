"""Gated DeltaNet: the delta rule with a decay that follows the input."""

from __future__ import annotations

from dataclasses import dataclass

from .delta_rule import DeltaRuleConfig


@dataclass(frozen=True, kw_only=True)
class GatedDeltaNetConfig(DeltaRuleConfig):
    r"""The delta rule of `DeltaNetConfig` after a decay of the whole state.

    .. math::
        S_t = \alpha_t (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top, \qquad
        \alpha_t = \exp\big(-a\,\mathrm{softplus}(w' x_t + b')\big)

    in each head; the rest is that of `DeltaNetConfig`. The eigenvalues are :math:`\alpha`, and
    :math:`\alpha (1 - \beta)` along k. In the block each head's output, normalised, is multiplied
    by :math:`\mathrm{silu}(W_g x)`.

    Parameters
    ----------
    heads, key_dim, value_dim, eigenvalues, block, convolution, trained_start
        As in `DeltaNetConfig`.
    normalisation, read_scale, bias, start
        As in `DeltaNetConfig`.

    Notes
    -----
    a starts uniformly in [1, 16], as in Mamba-2, and in (0, 16] with `start="published"`, so that
    some heads hardly forget; b' starts where softplus gives a step log-uniform in [0.001, 0.1].
    Both are parameters of the recurrence (`StateParameter`).

    References
    ----------
    Yang, Kautz, Hatamizadeh, arXiv 2412.06464, section 3.
    """

    @property
    def decays(self) -> bool:
        """Whether the state decays at every position."""
        return True
