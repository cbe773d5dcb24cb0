"""Linear attention with decays: GLA, RetNet, HGRN2."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Self

from seqtheory.checks import require_flag, require_integer, require_positive
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass
from .state_space import Start, check_start


@dataclass(frozen=True, kw_only=True)
class LinearAttention(Mixer):
    r"""Settings shared by linear attention whose state decays without a look at it.

    Each head has a matrix S for its state, of d rows:

    .. math:: S_t = A_t S_{t-1} + k_t v_t^\top, \qquad o_t = S_t^\top q_t / \sqrt{d}, \qquad
              q, k, v = W_q x, W_k x, W_v x \text{ at first.}

    Parameters
    ----------
    convolution
        Length of a causal convolution behind :math:`W_q, W_k, W_v`, one kernel for each channel and
        no bias; 0 for none, the published default.
    start
        "published": weights start from N(0, 0.02^2), biases from 0 and norms from 1. "own": maps
        and the convolution start as torch's do instead, which is larger in narrow models.

    Notes
    -----
    The published code is flash-linear-attention 0.6.0, `fla/layers` and `fla/models`.
    """

    convolution: int = 0
    start: Start = "published"

    def __post_init__(self) -> None:
        require_integer("convolution", self.convolution, minimum=0)
        check_start(self.start)

    @abstractmethod
    def sizes(self, width: int) -> tuple[int, int, int]:
        """Give heads, rows and columns of each state; ValueError where the width does not fit."""

    @property
    def transition_class(self) -> TransitionClass:
        """A number for each row of the state, between 0 and 1."""
        return Transition("diagonal", "unit")


@dataclass(frozen=True, kw_only=True)
class GLA(LinearAttention):
    r"""Gated linear attention: each row of the state has a decay that the input chooses.

    .. math::
        A_t = \mathrm{diag}\big(\sigma(W_2 W_1 x_t + b)^{1/\tau}\big), \qquad
        y_t = W_o\big(\mathrm{norm}(o_t) \odot \mathrm{silu}(W_g x_t)\big)

    with the root-mean-square norm of each head's output.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state; None for the published share of the width, half of it for
        the keys of all heads together and all of it for the values.
    gate_rank
        Rows of :math:`W_1`.
    temperature
        The number :math:`\tau`; large ones slow the decay.

    References
    ----------
    Yang, Wang, Shen, Panda, Kim, arXiv 2312.06635, section 4; `fla/layers/gla.py`.
    """

    heads: int = 4
    key_dim: int | None = None
    value_dim: int | None = None
    gate_rank: int = 16
    temperature: float = 16.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self.heads, self.key_dim, self.value_dim)
        require_integer("gate_rank", self.gate_rank, minimum=1)
        require_positive("temperature", self.temperature)

    def sizes(self, width: int) -> tuple[int, int, int]:
        """Give heads, rows and columns of each state; ValueError where the width does not fit."""
        key = self.key_dim or _each("key_dim", width // 2, self.heads, width)
        value = self.value_dim or _each("value_dim", width, self.heads, width)
        return self.heads, key, value


@dataclass(frozen=True, kw_only=True)
class RetNet(LinearAttention):
    r"""Retention: the state of each head decays at a fixed rate, while its rows turn in pairs.

    .. math::
        A_t = \gamma_h R, \qquad \gamma_h = 1 - 2^{-5-h}, \qquad
        y_t = W_o\big(\mathrm{norm}(o_t) \odot \mathrm{silu}(W_g x_t)\big)

    for the heads :math:`h = 0, 1, \dots`, with the root-mean-square norm of each head's output. R
    turns the rows j and j + d / 2 by :math:`-10000^{-2 j / d}`. It is what rotary positions of
    queries and keys come to, :math:`q_t^\top R^{t - s} k_s`, with the state in the frame of the
    last step.

    Parameters
    ----------
    heads
        Number of states.
    key_dim, value_dim
        Rows and columns of each state; None for the published share of the width, all of it for the
        keys of all heads together and twice as much for the values.
    rotary
        Whether the rows turn, for which their number must be even; otherwise R = 1.

    References
    ----------
    Sun et al., arXiv 2307.08621; `fla/layers/multiscale_retention.py`.
    """

    heads: int = 8
    key_dim: int | None = None
    value_dim: int | None = None
    rotary: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_sizes(self.heads, self.key_dim, self.value_dim)
        require_flag("rotary", self.rotary)

    def sizes(self, width: int) -> tuple[int, int, int]:
        """Give heads, rows and columns of each state; ValueError where the width does not fit."""
        key = self.key_dim or _each("key_dim", width, self.heads, width)
        value = self.value_dim or _each("value_dim", 2 * width, self.heads, width)
        if self.rotary and key % 2:
            raise ValueError(
                f"got {key} rows of a state with rotary=True, expected an even number: they turn "
                "in pairs. Choose key_dim, or rotary=False."
            )
        return self.heads, key, value

    @property
    def transition_class(self) -> TransitionClass:
        """A number for each row, or a complex one for each pair, the same for all inputs."""
        return Transition("diagonal", "complex" if self.rotary else "unit", input_dependent=False)


@dataclass(frozen=True, kw_only=True)
class HGRN2(LinearAttention):
    r"""Gated linear recurrence with an outer product for state: what decays is written anew.

    .. math::
        A_t = \mathrm{diag}(a_t), \qquad a_t = \ell + (1 - \ell)\,\sigma(W_k x_t), \qquad
        k_t = 1 - a_t, \qquad q_t = \mathrm{silu}(W_q x_t), \qquad y_t = W_o\,\mathrm{norm}(o_t)

    with the root-mean-square norm of all heads' outputs together. The bound :math:`\ell` of the
    decays, one number for each channel, starts from layer / layers and is trained; the first layer
    has none.

    Parameters
    ----------
    state_dim
        Rows and columns of each head's state; the width holds as many heads.
    lower_bound
        Whether decays are bounded below.
    layer, layers
        Which layer it is, counted from 0, of how many; a model fills them in.

    Notes
    -----
    The published bounds of all layers are the sums of one softmax over the layers, so that they
    rise from layer to layer in training too. Here each layer's is trained by itself, as a sigmoid.

    References
    ----------
    Qin et al., arXiv 2404.07904, section 3; `fla/layers/hgrn2.py`.
    """

    state_dim: int = 128
    lower_bound: bool = True
    layer: int = 0
    layers: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require_integer("state_dim", self.state_dim, minimum=1)
        require_flag("lower_bound", self.lower_bound)
        require_integer("layers", self.layers, minimum=1)
        require_integer("layer", self.layer, minimum=0, maximum=self.layers - 1)

    def sizes(self, width: int) -> tuple[int, int, int]:
        """Give heads, rows and columns of each state; ValueError where the width does not fit."""
        if width % self.state_dim:
            raise ValueError(
                f"got state_dim={self.state_dim} with width={width}, expected a divisor of the "
                "width: each head has as many of its channels."
            )
        return width // self.state_dim, self.state_dim, self.state_dim

    def at_layer(self, index: int, depth: int) -> Self:
        """Give the settings of layer `index`, counted from 0, of a model of `depth` layers."""
        return replace(self, layer=index, layers=depth)


def _require_sizes(heads: int, *sizes: int | None) -> None:
    require_integer("heads", heads, minimum=1)
    for name, size in zip(("key_dim", "value_dim"), sizes, strict=True):
        if size is not None:
            require_integer(name, size, minimum=1)


def _each(name: str, channels: int, heads: int, width: int) -> int:
    """Share channels among the heads."""
    if channels % heads or not channels:
        raise ValueError(
            f"got heads={heads} with width={width}, whose {channels} channels they cannot share; "
            f"choose another number, or {name}."
        )
    return channels // heads
