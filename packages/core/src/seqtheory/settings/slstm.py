"""The sLSTM: scalar memories with exponential gates that read the output before."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer

from .mixer import TransitionClass
from .placed import Placed


@dataclass(frozen=True, kw_only=True)
class SLSTM(Placed):
    r"""The sLSTM of xLSTM: a long short-term memory with an exponential input gate.

    .. math::
        (i, f, z, o)_t = W x_t + R\, h_{t-1} + b, \qquad
        c_t = \sigma(f_t)\, c_{t-1} + e^{i_t} \tanh z_t, \quad
        n_t = \sigma(f_t)\, n_{t-1} + e^{i_t}, \qquad
        y_t = h_t = \sigma(o_t)\, \frac{c_t}{n_t}

    for each channel, with :math:`h_0 = c_0 = n_0 = 0`. R has a block for each gate and head: the
    gates of a head read the outputs of its own channels. What is stored is divided by
    :math:`e^{m_t}`, :math:`m_t = \max(i_t, \log \sigma(f_t) + m_{t-1})`, which changes no output.

    Parameters
    ----------
    heads
        Number of heads, a divisor of the model's width.
    block
        True for the published layer: W has a block for each head too, i and f read
        :math:`\mathrm{silu}(\mathrm{conv}(x))` in place of x, and the outputs of each head are
        normalised, to mean 0 and variance 1, and scaled. False for the equation alone.
    convolution
        Length of the block's causal convolution; 0 for none, and then i and f read x.
    layer, layers
        Place of the layer, counted from 0, and number of layers, on which initial values depend.
        None for its place in the model; a module built alone is the first of one.

    Notes
    -----
    W starts from N(0, 2 / (5 width)) and R from 0, as published. So does b, but for that of f,
    which falls from 5 to -7 over the d channels of a head,

    .. math:: b_{f,j} = 5 - 12\, \Big(\frac{j}{d - 1}\Big)^{0.3 + 1.3 p}, \qquad j = 0, \dots, d-1,

    with p = layer / (layers - 1), 0 in the first layer and 1 in the last. A head of one channel has
    5, where the published code divides by 0. R and b are parameters of the recurrence. The
    published block goes on with a gated feed-forward part, which here is the model's own mixing.
    The published code is NX-AI/xlstm 2.0.6, `xlstm/blocks/slstm`; there the map named `fgate` is
    that of i, and `igate` that of f.

    References
    ----------
    Beck et al., arXiv 2405.04517, section 2.2 and appendix A.2.
    """

    heads: int = 4
    block: bool = True
    convolution: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("heads", self.heads, minimum=1)
        require_integer("convolution", self.convolution, minimum=0)
        require_flag("block", self.block)

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear in the state."""
        return "nonlinear"
