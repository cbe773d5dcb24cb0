"""Numbers of a state that stand beside its recurrence: angles, and logarithms of a scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer

from seqtheory.diagnostics import memory_levels

from ._flat_step import FlatStep

_TURN = 2 * torch.pi
_SHIFT = 0.7  # by which a logarithm is moved
_OF_A_DENOMINATOR = 1e-4  # what a small number added to one may change, as the mLSTM has it


@dataclass(frozen=True)
class Apart:
    """What is set apart of a state.

    Attributes
    ----------
    phases
        True for angles: inputs add to them, and a full turn changes nothing.
    scaled
        Entry (i, j) is True where number i is kept divided by the exponential of number j, a
        running maximum for instance, which keeps it finite and changes no output.
    """

    phases: Bool[np.ndarray, " n"]
    scaled: Bool[np.ndarray, "n n"]

    @property
    def scales(self) -> Bool[np.ndarray, " n"]:
        """True for logarithms of a scale."""
        return np.asarray(self.scaled.any(axis=0))

    @property
    def beside(self) -> Bool[np.ndarray, " n"]:
        """True for all that is set apart."""
        return np.logical_or(self.phases, self.scales)

    def undone(
        self,
        jacobians: Float[np.ndarray, "sample own own"],
        before: Float[np.ndarray, "sample n"],
        after: Float[np.ndarray, "sample n"],
        own: Integer[np.ndarray, " own"],
    ) -> Float[np.ndarray, "sample own own"]:
        r"""Give Jacobians of numbers `own` without their scale, :math:`e^{m'} J e^{-m}`."""
        if not self.scaled.any():
            return jacobians
        scaled = self.scaled[own].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            return np.exp((after @ scaled.T)[:, :, None] - (before @ scaled.T)[:, None]) * jacobians


@torch.no_grad()
def set_apart(
    step: FlatStep, jacobians: Float[np.ndarray, "sample n n"], random: torch.Generator
) -> Apart:
    """Find angles and logarithms of a scale, by moving each candidate and comparing.

    A candidate is a number that no other feeds but those that hold recent inputs alone. Of an angle
    the derivative is 1.
    """
    count, tolerance = step.size, step.tolerance
    own = jacobians[:, np.arange(count), np.arange(count)]
    others = np.where(np.eye(count, dtype=bool), 0.0, jacobians)
    kept = memory_levels(jacobians, tolerance=tolerance / 100) >= 0
    fed = np.abs(others[:, :, kept]).max(axis=(0, 2), initial=0.0)
    alone = (fed < tolerance) & kept & ~step.pairs
    x, h = step.draw(torch.logspace(-0.5, 0.5, 6, dtype=torch.float64), random)
    y, after = step(x, h)
    phases, scaled = np.zeros(count, dtype=bool), np.zeros((count, count), dtype=bool)
    for j in np.flatnonzero(alone & (np.abs(own).max(axis=0) > tolerance)):
        followers = np.abs(others[:, :, j]).max(axis=0) > tolerance
        if np.abs(own[:, j] - 1).max() < tolerance:
            phases[j] = _is_phase(step, x, h, y, after, int(j))
        if followers.any() and not phases[j] and _is_scale(step, x, h, y, after, int(j), followers):
            scaled[followers, j] = True
    return Apart(phases, scaled)


def _is_phase(
    step: FlatStep,
    x: torch.Tensor,
    h: torch.Tensor,
    y: torch.Tensor,
    after: torch.Tensor,
    j: int,
) -> bool:
    """Whether inputs turn number j, and a full turn changes nothing where a part of one does."""
    if float((after - h)[:, j].abs().max()) < step.tolerance:
        return False  # a constant
    turned, shifted = h.clone(), h.clone()
    turned[:, j] += _TURN
    shifted[:, j] += _SHIFT
    other_y, other = step(x, turned)
    gap = other - after
    gap[:, j] = torch.remainder(gap[:, j] + torch.pi, _TURN) - torch.pi
    same = max(float(gap.abs().max()), float((other_y - y).abs().max())) < 10 * step.tolerance
    shown_y, shown = step(x, shifted)
    shown[:, j] = after[:, j]
    read = max(float((shown - after).abs().max()), float((shown_y - y).abs().max()))
    return same and read > step.tolerance


def _is_scale(
    step: FlatStep,
    x: torch.Tensor,
    h: torch.Tensor,
    y: torch.Tensor,
    after: torch.Tensor,
    j: int,
    followers: Bool[np.ndarray, " n"],
) -> bool:
    """Whether what number j grows by may be taken from the logarithms of its followers."""
    rows = torch.from_numpy(followers)
    moved = h.clone()
    moved[:, j] += _SHIFT
    moved[:, rows] *= float(np.exp(-_SHIFT))
    other_y, other = step(x, moved)
    restored = other.clone()
    restored[:, rows] *= (other[:, j] - after[:, j]).exp()[:, None]
    restored[:, j] = after[:, j]
    scale = max(float(after.abs().max()), float(y.abs().max()))
    kept, read = float((restored - after).abs().max()), float((other_y - y).abs().max())
    tolerance = 10 * step.tolerance
    return kept < tolerance * scale and read < max(tolerance, _OF_A_DENOMINATOR) * scale
