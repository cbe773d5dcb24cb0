"""Networks whose largest learning rate is looked for: that of theory, and the published one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from experiments.stability.training_run import Map
from seqtheory.checks import require_integer, require_positive

if TYPE_CHECKING:
    from seqtheory.training import Training

START = 0.5
"""How fast all modes decay at first, per unit of time: the published start."""


@dataclass(frozen=True, kw_only=True)
class Modes:
    r"""Linear modes between two affine maps, for which theorem 3.6 of arXiv 2311.14495 is stated.

    .. math:: h_{n,k} = e^{p(w_n)} h_{n,k-1} + u_n x_k + b_n, \qquad y_k = \sum_n c_n h_{n,k} + d

    Parameters
    ----------
    width
        Number of modes.
    others
        Learning rate of u, b, c and d. A sweep gives w alone its rate, so that w is what breaks.
    """

    width: int = 8
    others: float = 3e-3

    def __post_init__(self) -> None:
        """Refuse an empty network, and one whose readout is not trained."""
        require_integer("network.width", self.width, minimum=1)
        require_positive("network.others", self.others)

    def build(self, parameterisation: Map, seed: int) -> Any:
        """Draw the torch model."""
        import seq_torch
        from seq_torch.mixers import ResidualRNNConfig
        from seq_torch.model.stacks import recurrent_stack

        mixer = ResidualRNNConfig(
            parameterisation=parameterisation,
            matrix="diagonal",
            activation="linear",
            min_rate=START,
            max_rate=START,
        )
        inputs, output = seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1)
        return recurrent_stack(mixer, inputs, output, width=self.width).build(seed)

    def at_rate(self, training: Training, rate: float) -> Training:
        """Give the weights of the modes this rate."""
        return replace(training, learning_rate=self.others, state_learning_rate=rate)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of StableSSM as published, all of whose parameters have the rate of the sweep.

    Besides the decay of a mode its frequency and its step are trained, and maps around it.

    Parameters
    ----------
    width, state_dim
        Channels, and real states per channel.
    upstream_groups
        Whether the weights of the recurrence decay like all others, as in the published code.
    """

    width: int = 16
    state_dim: int = 32
    upstream_groups: bool = True

    def __post_init__(self) -> None:
        """Refuse what could not be built."""
        require_integer("network.width", self.width, minimum=1)
        if self.state_dim < 2 or self.state_dim % 2:
            raise ValueError(
                f"network.state_dim={self.state_dim}: expected an even number, 2 or more"
            )

    def build(self, parameterisation: Map, seed: int) -> Any:
        """Draw the torch model."""
        import seq_torch
        from seq_torch.mixers import StableSSMConfig
        from seq_torch.model.stacks import stable_ssm_stack

        mixer = StableSSMConfig(
            state_dim=self.state_dim,
            parameterisation=parameterisation,
            initial_rate=START,
            upstream_groups=self.upstream_groups,
        )
        inputs, output = seq_torch.LinearInput(channels=1), seq_torch.StepOutput(size=1)
        return stable_ssm_stack(inputs, output, mixer=mixer, width=self.width).build(seed)

    def at_rate(self, training: Training, rate: float) -> Training:
        """Give all parameters this rate."""
        return replace(training, learning_rate=rate)


@dataclass(frozen=True, kw_only=True)
class States(Layer):
    """The published layer, of which a sweep gives the weights of the recurrence alone its rate.

    These are the decay of a mode, its frequency and its step. If all parameters have one rate, the
    maps around the recurrence may be what breaks first.

    Parameters
    ----------
    others
        Learning rate of all other parameters.
    """

    others: float = 0.05
    upstream_groups: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not be built, and one group for all parameters."""
        super().__post_init__()
        require_positive("network.others", self.others)
        if self.upstream_groups:
            raise ValueError("network.upstream_groups=True puts all parameters under one rate")

    def at_rate(self, training: Training, rate: float) -> Training:
        """Give the weights of the recurrence this rate."""
        return replace(training, learning_rate=self.others, state_learning_rate=rate)
