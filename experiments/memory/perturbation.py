r"""What is left of a trained network when its weights move by beta: the published protocol.

.. math:: E(\beta, i) = \frac{\overline{w_t\,|\hat y_t(\theta + \beta\,\epsilon_i) - y_t|^2}}
    {\overline{w_t\,|y_t|^2}}, \qquad w_t \propto (t + 1)^p,

on data that were not trained on, so that predicting zero has error 1. A reading says what the
perturbations :math:`\epsilon_i` are, with the names that linear theory has for them:
`CommonShift` moves the weight of every mode towards a slower one; `SampledNoise` adds normal noise
to every tensor, scaled to norm 1 of its own, to the recurrence alone or to all parameters.

Source: S. Wang, Z. Li and Q. Li, arXiv:2305.19190, definition 3.4, and the code published with it:
all parameters, infinity norm, 30 draws, p = 2 (its weights enter squared), running maximum.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from seqtheory import metrics
from seqtheory.dataset import Dataset
from seqtheory.memory_theory import CommonShift, SampledNoise
from seqtheory.reparameterisation import Direct, ReLU

if TYPE_CHECKING:
    import torch
    from torch import nn

Reading: TypeAlias = CommonShift | SampledNoise
"""What a perturbation of size beta is; the worst case is searched for in linear theory alone."""

SHIFT = CommonShift()
"""The one perturbation about which linear theory states its verdicts."""
RECURRENT = SampledNoise()
PUBLISHED = SampledNoise(parameters="all", running_maximum=True)


def relative_error(outputs: np.ndarray, targets: np.ndarray, late_weight: float = 0.0) -> float:
    """Squared error over that of predicting zero; infinite where a network exploded."""
    with np.errstate(over="ignore", invalid="ignore"):
        error = metrics.time_weighted_error(outputs, targets, power=late_weight)
    zero = metrics.time_weighted_error(np.zeros_like(targets), targets, power=late_weight)
    return float(error / zero) if np.isfinite(error) else float("inf")


def perturbed_errors(
    model: nn.Module,
    data: Dataset,
    reading: Reading,
    betas: Sequence[float],
    late_weight: float = 0.0,
) -> np.ndarray:
    """Errors of a model whose weights move, and are put back.

    Parameters
    ----------
    model
        A sequence model with real inputs and an output at every position.
    data
        On which to measure: inputs (row, time, channel), targets of the outputs' shape.
    reading
        What moves. The draws are the same at every beta.
    betas
        Sizes.
    late_weight
        The power p.

    Returns
    -------
    Shape (beta, draw); a common shift is one draw.

    Raises
    ------
    ValueError
        If the reading moves modes and the model has no residual recurrence.

    Notes
    -----
    One pass over the data for each beta and draw, and a single one where beta is 0.
    """
    from seq_torch import array_model

    count = 1 if isinstance(reading, CommonShift) else reading.draws
    errors = np.empty((len(betas), count))
    for row, beta in zip(errors, betas, strict=True):
        for draw in range(count if beta else 1):
            with moved(_moves(model, reading, float(beta), draw)):
                outputs = array_model(model)(data.inputs)
            row[draw:] = relative_error(outputs, data.targets, late_weight)
    return errors


def worst(errors: np.ndarray, reading: Reading) -> np.ndarray:
    """E(beta): the largest error of the draws, and of smaller betas if the reading says so."""
    largest = errors.max(axis=1)
    rising = isinstance(reading, SampledNoise) and reading.running_maximum
    return np.maximum.accumulate(largest) if rising else largest


def released(network: nn.Module) -> nn.Module:
    """Copy a network whose weights are behind a rectifier, and take that away; else as it is.

    The published code perturbs so: the eigenvalue is the weight itself, which may come to be
    positive, and was not below zero before.
    """
    from experiments.memory.networks import recurrence_of

    if not isinstance(recurrence_of(network).config.parameterisation, ReLU):
        return network
    free = copy.deepcopy(network)
    recurrence = recurrence_of(free)
    recurrence.config = replace(recurrence.config, parameterisation=Direct())
    recurrence.transition = recurrence.config.transition
    recurrence.w.data = -recurrence.w.data.clamp(min=0)
    return free


Move: TypeAlias = "tuple[torch.Tensor, torch.Tensor]"


@contextmanager
def moved(moves: Sequence[Move]) -> Iterator[None]:
    """Context in which each tensor has its change added."""
    import torch

    before = [tensor.detach().clone() for tensor, _ in moves]
    with torch.no_grad():
        for tensor, change in moves:
            tensor += change
        try:
            yield
        finally:
            for (tensor, _), value in zip(moves, before, strict=True):
                tensor.copy_(value)


def _moves(model: nn.Module, reading: Reading, beta: float, draw: int) -> list[Move]:
    if isinstance(reading, CommonShift):
        return _slower(model, beta)
    return _noise(model, reading, beta, draw)


def _slower(model: nn.Module, beta: float) -> list[Move]:
    """By beta, whichever way makes the mode forget less."""
    import torch

    from seq_torch.mixers.residual_rnn import ResidualRNN

    recurrences = [module for module in model.modules() if isinstance(module, ResidualRNN)]
    if not recurrences:
        raise ValueError(
            "a common shift moves the modes of a residual recurrence, and this model has none; "
            "take SampledNoise()."
        )
    moves = []
    for recurrence in recurrences:
        weights = recurrence.w.numpy(force=True)
        p = recurrence.config.transition
        with np.errstate(over="ignore"):
            up = p.distance(weights + beta) < p.distance(weights - beta)
        change = torch.from_numpy(np.where(up, beta, -beta)).to(recurrence.w)
        moves.append((recurrence.w, change))
    return moves


def _noise(model: nn.Module, reading: SampledNoise, beta: float, draw: int) -> list[Move]:
    import torch

    from seq_torch import StateParameter

    rng = np.random.default_rng([reading.seed, draw])
    moves = []
    for parameter in model.parameters():
        noise = rng.standard_normal(tuple(parameter.shape))
        size = np.abs(noise).max() if reading.ball == "inf" else np.linalg.norm(noise.ravel())
        if reading.parameters == "all" or isinstance(parameter, StateParameter):
            moves.append((parameter, torch.from_numpy(beta * noise / size).to(parameter)))
    return moves
