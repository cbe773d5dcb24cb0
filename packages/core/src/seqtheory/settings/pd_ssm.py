"""PD-SSM: a transition that is a choice times a diagonal, both made from the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqtheory.checks import require_choice, require_integer
from seqtheory.expressivity import Transition

from .mixer import Mixer, TransitionClass


@dataclass(frozen=True, kw_only=True)
class PDSSM(Mixer):
    r"""A recurrence whose matrices send each number of the state to one place.

    .. math::
        h_t = P(x_t) D(x_t) h_{t-1} + B x_t, \qquad h_0 = (1, 0, \dots, 0), \qquad
        y_t = W (\mathrm{Re}\, h_t, \mathrm{Im}\, h_t) + w + d \odot x_t

    Column j of P has a single 1, in the row of the largest logit of
    :math:`L(x) = \sum_k \mathrm{softmax}(S x)_k A_k`; its gradient is that of the softmax over rows
    of L (straight-through). D is diagonal, of numbers inside the unit disc, from two networks of
    two layers each:

    .. math::
        D_j = \sigma(f_j(x))\, e^{2 \pi \mathrm i\, \sigma(g_j(x))}, \qquad
        f, g : x \mapsto V \,\mathrm{gelu}(U x + u) + v.

    Parameters
    ----------
    state_dim
        Complex numbers of a state, N.
    dictionary
        Matrices A of which the logits are mixed.
    hidden
        Width of the layers inside f and g, as a multiple of N.
    one_per
        "column", as in the paper and its JAX code, or "row", as in its torch code: then
        :math:`h_t = D P h_{t-1} + B x_t`, and each row of P has the single 1. For permutations the
        two are transposes. Other maps of states, such as resets, need a number per *set* of states
        by rows, which may be 2^N of them, and the theorem on N states does not speak of it.

    Notes
    -----
    A are N(0, 1 / N), B has parts N(0, 1 / (2 N)) and d is N(0, 1 / width), all maps start as
    torch's do. The published layer, in an order of its own, is this mixer in a model with a norm of
    layers behind it and nothing else: ``mixing=False``, ``activation="none"``, ``residual=False``.
    Its dropout before W is the model's `dropout`, which acts behind W.

    References
    ----------
    Terzic et al., arXiv 2509.22284, equations (1) to (5); the start is that of
    IBM/expressive-sparse-state-space-model, `state_tracking_PyTorch/models/pdssm.py`.
    """

    state_dim: int = 64
    dictionary: int = 8
    hidden: int = 2
    one_per: Literal["column", "row"] = "column"

    def __post_init__(self) -> None:
        for name in ("state_dim", "dictionary", "hidden"):
            require_integer(name, getattr(self, name), minimum=1)
        require_choice("one_per", self.one_per, ("column", "row"))

    @property
    def transition_class(self) -> TransitionClass:
        """A choice and a complex diagonal, of the size of the state."""
        kind = "one_hot_diagonal" if self.one_per == "column" else "diagonal_one_hot"
        return Transition(kind, "complex", size=self.state_dim)

    @property
    def complex_state(self) -> bool:
        """Whether the state is complex, which it is."""
        return True

    @property
    def straight_through(self) -> bool:
        """Whether its gradients are by intention those of another map: of the soft choice."""
        return True
