"""Recurrent networks as wide as the model: Elman's, long short-term memory, the gated unit."""

from __future__ import annotations

from dataclasses import dataclass

from .mixer import Mixer, TransitionClass


@dataclass(frozen=True, kw_only=True)
class RNN(Mixer):
    r"""Elman's recurrent network; its state is as wide as the model.

    .. math:: h_k = \tanh(W x_k + b + U h_{k-1} + c), \qquad y_k = h_k, \qquad h_0 = 0.

    Notes
    -----
    Parameters start from U(-1/sqrt(width), 1/sqrt(width)).

    References
    ----------
    J. Elman, Cognitive Science 14 (1990). Cirone et al., arXiv 2402.19047, section 5.
    """

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear in the state."""
        return "nonlinear"


@dataclass(frozen=True, kw_only=True)
class LSTM(Mixer):
    r"""Long short-term memory; its state is as wide as the model.

    .. math::

        (i, f, o) = \sigma(W x_k + U h_{k-1} + b), \quad g = \tanh(W' x_k + U' h_{k-1} + b'),
        \quad c_k = f c_{k-1} + i g, \quad y_k = h_k = o \tanh(c_k).

    Notes
    -----
    Parameters start from U(-1/sqrt(width), 1/sqrt(width)); the forget gate's bias is not
    raised to 1.

    References
    ----------
    S. Hochreiter and J. Schmidhuber, Neural Computation 9 (1997), with the forget gate of
    F. Gers et al., Neural Computation 12 (2000).
    """

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear in the state."""
        return "nonlinear"


@dataclass(frozen=True, kw_only=True)
class GRU(Mixer):
    r"""Gated recurrent unit; its state is as wide as the model.

    .. math::

        (r, z) = \sigma(W x_k + U h_{k-1} + b), \quad
        n = \tanh(W' x_k + b' + r (U' h_{k-1} + c')), \quad
        y_k = h_k = (1 - z)\, n + z\, h_{k-1}.

    Notes
    -----
    Parameters start from U(-1/sqrt(width), 1/sqrt(width)); the reset gate r is applied after the
    product with U', unlike in the first publication.

    References
    ----------
    K. Cho et al., arXiv 1406.1078, section 2.3.
    """

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear in the state."""
        return "nonlinear"
