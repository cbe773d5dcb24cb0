"""The mLSTM: matrix memories with exponential gates."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer
from seqtheory.expressivity import Transition

from .mixer import TransitionClass
from .placed import Placed


@dataclass(frozen=True, kw_only=True)
class MLSTM(Placed):
    r"""The mLSTM of xLSTM: a matrix memory with one exponential input gate and one forget gate.

    .. math::
        C_t = \sigma(f_t)\, C_{t-1} + e^{i_t} k_t v_t^\top, \qquad
        n_t = \sigma(f_t)\, n_{t-1} + e^{i_t} k_t, \qquad
        h_t = \frac{C_t^\top q_t}{\max(|n_t^\top q_t|, 1)}

    in each head, with :math:`C_0 = n_0 = 0`, keys divided by the root of their number of channels,
    and :math:`(i, f)_t = W_g (q_t, k_t, v_t) + b_g`, which read all heads. What is stored is
    divided by :math:`e^{m_t}`, :math:`m_t = \max(i_t, \log \sigma(f_t) + m_{t-1})`, :math:`m_0 =
    0`; the denominator then is :math:`\max(|n_t^\top q_t|, e^{-m_t}) + 10^{-6}`. Alone,
    :math:`(q, k, v) = W x` and y = h. The block is

    .. math:: (u, z) = W_{in} x, \quad s = \mathrm{silu}(\mathrm{conv}(u)), \quad
              q = W_q s, \; k = W_k s, \; v = W_v u, \\
              y = W_{out} \big((\mathrm{norm}(h) + \gamma \odot s) \odot \mathrm{silu}(z)\big),

    with :math:`W_q, W_k, W_v` that have a block for each `block_size` channels, a norm of each
    head's channels to mean 0 and variance 1, and a trained :math:`\gamma`.

    Parameters
    ----------
    heads
        Number of heads, a divisor of the inner width.
    block
        True for the published block, False for the equation alone, as wide as the model.
    expand, multiple
        The block's inner width is `expand` times the model's, rounded up to a multiple of
        `multiple`.
    block_size
        Channels of a block of :math:`W_q, W_k, W_v`, a divisor of the inner width.
    convolution
        Length of the block's causal convolution.
    layer, layers
        Place of the layer, counted from 0, and number of layers, on which initial values depend.
        None for its place in the model; a module built alone is the first of one.

    Notes
    -----
    As published, :math:`W_g` starts from 0, the bias of f linearly spaced from 3 to 6 over the
    heads, that of i from N(0, 0.1^2), :math:`\gamma` from 1, :math:`W_{out}` from
    N(0, 4 / (layers^2 width)), and all other maps from N(0, 2 / (5 width)), the inner ones too. The
    bias of the gates is a parameter of the recurrence.

    The published code is NX-AI/xlstm 2.0.6, `xlstm/blocks/mlstm`. Its recurrent form is as above;
    its parallel form begins with :math:`m_0 = -\infty`, which changes outputs by :math:`10^{-6}
    e^{m}`.

    References
    ----------
    Beck et al., arXiv 2405.04517, section 2.3 and appendix A.3.
    """

    heads: int = 4
    block: bool = True
    expand: int = 2
    multiple: int = 64
    block_size: int = 4
    convolution: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("heads", "expand", "multiple", "block_size", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        require_flag("block", self.block)

    @property
    def transition_class(self) -> TransitionClass:
        """One number per head, positive."""
        return Transition("diagonal", "unit")

    def inner_width(self, width: int) -> int:
        """Channels of queries, keys and values for a model of this width."""
        if not self.block:
            return width
        inner = -(-self.expand * width // self.multiple) * self.multiple
        if inner % self.block_size:
            raise ValueError(
                f"{inner} inner channels cannot be cut into blocks of block_size="
                f"{self.block_size}; choose a divisor."
            )
        return inner
