"""M2RNN: a nonlinear recurrence whose state is a matrix."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer, require_positive

from .mixer import TransitionClass
from .placed import Placed
from .state_space import Start, check_start


@dataclass(frozen=True, kw_only=True)
class M2RNN(Placed):
    r"""The matrix-to-matrix recurrence, nonlinear and gated by Mamba's decay.

    .. math::
        S_t = f_t S_{t-1} + (1 - f_t) \tanh(S_{t-1} W + k_t v_t^\top), \qquad
        o_t = S_t^\top q_t, \qquad
        f_t = \exp\big(-a\, \mathrm{softplus}(w x_t + b)\big)

    in each head. Alone, :math:`(q, k, v) = W_{in} x` and :math:`y = W_{out}\, o`. The block is

    .. math::
        (u, g) = W_{in} x, \qquad (q, k, v) = \mathrm{silu}(\mathrm{conv}(u)), \qquad
        y = W_{out}\, \mathrm{norm}\big((o + D \odot v) \odot \mathrm{silu}(g)\big),

    with a root-mean-square norm of all heads' channels together.

    Parameters
    ----------
    heads
        Number of states.
    groups
        Groups of heads in a row, each with its own q and k; a divisor of `heads`.
    key_dim, value_dim
        Rows and columns of each state S.
    block
        True for the published block, False for the equation alone.
    convolution
        Length of the block's causal convolution.
    gradient_clip
        Bound on every entry of the gradient of each state on its way back, as published; None for
        the gradient itself.
    start
        "published": maps start as below. "own": the maps and the convolution start as torch's do,
        since the published deviation is made for a thousand channels and leaves almost nothing of
        the input of a narrow model.
    layer, layers
        Place of the layer, counted from 0, and number of layers, on which initial values depend.
        None for its place in the model; a module built alone is the first of one.

    Notes
    -----
    As published, W starts from the identity, D from 1, a uniformly in (0, 16], b where softplus
    gives a step log-uniform in [0.001, 0.1], :math:`W_{out}` from N(0, 0.02^2 / (2 layers)), and
    all other maps and the convolution from N(0, 0.02^2). a and b are parameters of the recurrence,
    which weight decay leaves alone, as it does D; it does not spare W. The published code is
    open-lm-engine/lm-engine at 36bad91, `modeling_utils/sequence_mixer_blocks/m2rnn`.

    References
    ----------
    Mishra et al., arXiv 2603.14360.
    """

    heads: int = 4
    groups: int = 1
    key_dim: int = 64
    value_dim: int = 16
    block: bool = True
    convolution: int = 4
    gradient_clip: float | None = 1.0
    start: Start = "published"

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("heads", "groups", "key_dim", "value_dim", "convolution"):
            require_integer(name, getattr(self, name), minimum=1)
        if self.heads % self.groups:
            raise ValueError(
                f"got groups={self.groups} with heads={self.heads}, expected a divisor of the "
                "heads: each group has as many."
            )
        require_flag("block", self.block)
        check_start(self.start)
        if self.gradient_clip is not None:
            require_positive("gradient_clip", self.gradient_clip)

    @property
    def straight_through(self) -> bool:
        """Whether gradients are clipped inside, and so not those of the map."""
        return self.gradient_clip is not None

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear in the state."""
        return "nonlinear"
