r"""A network that starts where linear theory ends: geometric rates, and a readout by least squares.

.. math:: r_i = r_1 (r_m / r_1)^{(i - 1) / (m - 1)}, \qquad
    c = \arg\min_c \sum_k \lvert y_k - c^\top h_k \rvert^2

with the network's own states h on training sequences, and a constant, whatever its model. All
modes get the input with one weight, and nothing else has a bias. A saturating activation gets small
inputs, on which it is nearly linear, so that this is nearly the best linear network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.memory.networks import recurrence_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.memory.networks import RecurrentRun
    from experiments.memory.protocol import TheoryStart
    from seqtheory.dataset import Dataset

# Standard deviation of what an activation is given: the error of tanh is then about 1e-6 of the
# signal, and hardtanh cuts one value in two million.
AMPLITUDE = {"linear": 1.0, "tanh": 0.03, "hardtanh": 0.2}
_POSITIONS = 1 << 16  # as many as determine the readout


def begin(network: Any, run: RecurrentRun, start: TheoryStart, width: int, train: Dataset) -> None:
    """Set a network to its start in place; nothing is drawn."""
    import torch

    slowest = start.slowest[run.widths.index(width)]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
        _modes(network, np.geomspace(slowest, start.fastest, width))
        _inputs(network, 1.0 if run.model == "ssm" else AMPLITUDE[run.activation])
        if run.model == "ssm":
            _networks(network, AMPLITUDE[run.activation])
        _readout(network, train)


def _modes(network: Any, rates: np.ndarray) -> None:
    """Give the recurrence these rates, per unit of time."""
    from seq_torch.reparameterisation import initial_weights

    recurrence = recurrence_of(network)
    config, w = recurrence.config, recurrence.w
    lost = config.dt * rates if config.step == "euler" else -np.expm1(-config.dt * rates)
    w.copy_(initial_weights(recurrence.transition, w.new_tensor(lost)))


def _inputs(network: Any, amplitude: float) -> None:
    """Drive every mode alike, those of a matrix in its eigenbasis; `amplitude` is the largest."""
    recurrence, weight = recurrence_of(network), network.embedding.linear.weight
    ones = weight.new_ones(weight.shape)
    P = None if recurrence.similarity is None else recurrence.similarity.weight
    driven = ones if P is None else P.mT @ ones
    weight.copy_(amplitude * driven / driven.abs().max())


def _networks(network: Any, amplitude: float) -> None:
    """Make both networks of a state-space model nearly the identity."""
    import torch

    from seq_torch.mixers.residual_ssm import ResidualSSM

    (ssm,) = (m for m in network.modules() if isinstance(m, ResidualSSM))
    eye = torch.eye(ssm.width, dtype=network.readout.weight.dtype)
    gain = torch.sqrt(1 - ssm.recurrence.eigenvalues.square()).clamp(min=1e-6)
    pairs: Any = ((ssm.before, eye * amplitude), (ssm.after, torch.diag(amplitude * gain)))
    for net, scale in pairs:
        net[0].weight.copy_(scale)
        net[2].weight.copy_(torch.linalg.inv(scale))


def _readout(network: Any, train: Dataset) -> None:
    """Fit the readout to what the network's states are on training sequences."""
    import torch

    rows = max(1, _POSITIONS // train.inputs.shape[1])
    states = _seen(network, lambda: network(torch.tensor(train.inputs[:rows])))
    columns = np.concatenate([states, np.ones((len(states), 1))], axis=1)
    found = np.linalg.lstsq(columns, train.targets[:rows].reshape(-1), rcond=None)[0]
    network.readout.weight.copy_(torch.from_numpy(found[None, :-1]))
    network.readout.bias.fill_(found[-1])


def _seen(network: Any, run: Callable[[], Any]) -> np.ndarray:
    """Catch what the readout is given while the network runs, ``(position, width)``."""
    held: list[np.ndarray] = []
    hook = network.readout.register_forward_pre_hook(
        lambda _, given: held.append(given[0].numpy(force=True))
    )
    try:
        run()
    finally:
        hook.remove()
    return held[0].reshape(-1, held[0].shape[-1])
