"""DeltaNet: the delta rule, one Householder factor per position."""

from __future__ import annotations

from dataclasses import dataclass

from .delta_rule import DeltaRuleConfig


@dataclass(frozen=True, kw_only=True)
class DeltaNetConfig(DeltaRuleConfig):
    r"""Linear attention that writes what the state does not yet recall: the delta rule.

    .. math::
        S_t = (I - \beta_t k_t k_t^\top) S_{t-1} + \beta_t k_t v_t^\top, \qquad
        o_t = c\, S_t^\top q_t, \qquad y_t = W_o\, o_t

    in each head, with queries and keys of norm 1 in the directions of :math:`W_q x` and
    :math:`W_k x`, values :math:`v = W_v x`, and :math:`\beta = \sigma(w x + b)` for
    `eigenvalues="unit"`, :math:`2\sigma(w x + b)` for "signed". The transition is symmetric: 1 but
    along k, where it is :math:`1 - \beta`, in [0, 1] or in [-1, 1].

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state S.
    eigenvalues
        "unit" or "signed"; at the end of the second range stands a reflection.
    block
        True for the published layer: a causal convolution and silu behind :math:`W_q, W_k, W_v`,
        and a root-mean-square norm of each head's output. False for the equation alone.
    convolution
        Length of the block's convolution; 0 for none, and then as published
        :math:`q, k, v = \mathrm{silu}(W_q x), \mathrm{silu}(W_k x), \mathrm{silu}(W_v x)`.
    trained_start
        Whether S_0 is trained, from N(0, 1 / key_dim); otherwise it is zero.
    normalisation
        How queries and keys get norm 1: "smooth", :math:`x / \sqrt{|x|^2 + 10^{-6}}`, as in the
        published code, or "exact", :math:`x / |x|`, so that a reflection is one to the last digit.
    read_scale
        The number c; None for the published one, :math:`1 / \sqrt{\text{key\_dim}}`, in the block,
        and for 1 without it. Before the block's norm it says how large an output is beside the
        norm's :math:`\epsilon = 10^{-5}`.
    bias
        Whether there is b, and a bias of the convolution; the published code has none.
    start
        "own" as said in the notes, or "published": weights from N(0, 0.02^2), biases from 0.

    Notes
    -----
    w and b place the eigenvalues, so they are parameters of the recurrence (`StateParameter`).
    All maps and the convolution start as torch's, but for b = 0.

    References
    ----------
    Schlag, Irie, Schmidhuber, arXiv 2102.11174; Yang, Wang, Zhang, Shen, Kim, arXiv 2406.06484,
    section 3 (layer, computation by chunks); Grazzi et al., arXiv 2411.12537 (signed range). The
    published code is flash-linear-attention at bc3b101, `fla/layers` and `fla/models`.
    """
