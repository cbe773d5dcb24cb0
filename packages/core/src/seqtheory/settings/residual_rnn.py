"""Residual recurrent networks whose eigenvalues are reparameterised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from seqtheory.checks import (
    require_choice,
    require_flag,
    require_positive,
)
from seqtheory.expressivity import Transition
from seqtheory.reparameterisation import (
    DiscreteReparameterisation,
    Euler,
    Exp,
    Reparameterisation,
    Sampled,
)

from .mixer import Mixer, TransitionClass
from .parameterisation import check_parameterisation


@dataclass(frozen=True, kw_only=True)
class ResidualRNN(Mixer):
    r"""Residual recurrence with a symmetric matrix, given by its eigenvalues.

    .. math:: h_k = h_{k-1} + \Delta\, \sigma(x_k - P^\top \mathrm{diag}(r) P\, h_{k-1}),
              \qquad y_k = h_k, \qquad h_{-1} = 0,

    where :math:`1 - \Delta r`, by which a step multiplies a linear mode, belongs to the eigenvalue
    p(w) of the mode in continuous time:

    - step "exponential": :math:`e^{\Delta p(w)}`. The mode decays as :math:`e^{p(w) t}` exactly,
      and is stable for every p(w) < 0.
    - step "euler": :math:`1 + \Delta p(w)`, as published; unstable once :math:`\Delta p(w) < -2`.

    A discrete parameterisation gives that factor itself.

    Parameters
    ----------
    parameterisation
        The map p from trained weights to eigenvalues, of `seqtheory.reparameterisation`.
    matrix
        "diagonal": P is the identity. "orthogonal": P is trained and remains orthogonal, up to
        rounding, as the exponential of a skew matrix. "free": P starts orthogonal and is an
        ordinary matrix afterwards, as published; the rates then are no eigenvalues any more.
    activation
        The function :math:`\sigma`: "linear", "tanh" or "hardtanh".
    step
        "exponential" or "euler".
    dt
        The step :math:`\Delta`, in units of time. Published experiments take 1.
    min_rate, max_rate
        The modes start with -p(w) log-uniform between these, per unit of time.
    initialisation
        "rates", as above, or "upstream": w from N(0, 1) for every parameterisation. With `ReLU`
        about half of the modes are then perfect integrators, which have no gradient.
    upstream_gain
        Whether the input is multiplied by :math:`\sqrt{1 - (\Delta r)^2}`, as in the model that the
        published code calls LRU (with a diagonal, ``Sampled(Exp())`` and dt 1). That model uses the
        share that a mode loses in place of its eigenvalue, and has no complex modes. The linear
        recurrent unit itself is `LRU`.

    Raises
    ------
    TypeError, ValueError
        If a setting has the wrong type, is out of range or contradicts another; the message names
        it.

    Notes
    -----
    The published experiments use float64 throughout.

    References
    ----------
    Wang, Li, Li, arXiv 2305.19190, and the code published with it (its SimpleDiagonalRNN, SimpleRNN
    and SoftplusRNN are ReLU or Softplus with step "euler", initialisation "upstream", and matrix
    "diagonal" or "free").
    """

    parameterisation: Reparameterisation | DiscreteReparameterisation = field(default_factory=Exp)
    matrix: Literal["diagonal", "orthogonal", "free"] = "orthogonal"
    activation: Literal["linear", "tanh", "hardtanh"] = "tanh"
    step: Literal["exponential", "euler"] = "exponential"
    dt: float = 1.0
    min_rate: float = 0.01
    max_rate: float = 1.0
    initialisation: Literal["rates", "upstream"] = "rates"
    upstream_gain: bool = False

    def __post_init__(self) -> None:
        check_parameterisation(
            self.parameterisation, (Reparameterisation, DiscreteReparameterisation)
        )
        require_choice("matrix", self.matrix, ("diagonal", "orthogonal", "free"))
        require_choice("activation", self.activation, ("linear", "tanh", "hardtanh"))
        require_choice("step", self.step, ("exponential", "euler"))
        require_choice("initialisation", self.initialisation, ("rates", "upstream"))
        for name in ("dt", "min_rate", "max_rate"):
            require_positive(name, getattr(self, name))
        require_flag("upstream_gain", self.upstream_gain)
        if self.min_rate > self.max_rate:
            raise ValueError(
                f"got min_rate={self.min_rate} above max_rate={self.max_rate}; exchange them."
            )
        if self.step == "euler" and isinstance(self.parameterisation, DiscreteReparameterisation):
            raise ValueError(
                f"step='euler' turns a continuous eigenvalue into a factor, but "
                f"{self.parameterisation} gives the factor itself; leave step at 'exponential'."
            )
        if self.upstream_gain and self.matrix != "diagonal":
            raise ValueError(
                f"upstream_gain=True is published for matrix='diagonal'; got {self.matrix!r}."
            )

    @property
    def transition_class(self) -> TransitionClass:
        """Nonlinear, or one symmetric matrix; its eigenvalues are positive if sampled exactly."""
        if self.activation != "linear":
            return "nonlinear"
        positive = isinstance(self.transition, Sampled) and self.matrix != "free"
        return Transition("diagonal", "unit" if positive else "signed", input_dependent=False)

    @property
    def transition(self) -> DiscreteReparameterisation:
        """Map from weights to the factor by which a step multiplies a linear mode."""
        if isinstance(self.parameterisation, DiscreteReparameterisation):
            return self.parameterisation
        discretised = Euler if self.step == "euler" else Sampled
        return discretised(self.parameterisation, self.dt)
