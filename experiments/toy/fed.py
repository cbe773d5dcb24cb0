"""What a model is fed of a path, and its labels, both of unit variance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import factorial
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory.checks import require_choice, require_integer
from seqtheory.dataset import Dataset
from seqtheory.tasks import SignatureLabels

if TYPE_CHECKING:
    from jaxtyping import Float

Fed = Literal["values", "increments", "both"]
FED: tuple[Fed, ...] = ("values", "increments", "both")


def fed_of(
    values: Float[np.ndarray, "path time channel"], fed: Fed
) -> Float[np.ndarray, "path time feature"]:
    """Give values, increments (0 at the first position), or values and then increments."""
    if fed == "values":
        return values
    increments = np.diff(values, axis=1, prepend=np.zeros_like(values[:, :1]))
    return increments if fed == "increments" else np.concatenate([values, increments], axis=-1)


def walks(
    channels: int, length: int, num_paths: int, dtype: Literal["float32", "float64"] = "float32"
) -> SignatureLabels:
    """Describe Brownian walks from zero and their integral over all channels."""
    return SignatureLabels(
        channels=channels,
        length=length,
        num_paths=num_paths,
        basepoint=True,
        increments="brownian",
        normalise="none",
        dtype=dtype,
    )


def way_name(fed: str, readout: str, input_dependent_C: bool) -> str:
    """Say what is fed, what is read out, and how C is."""
    return f"{fed}, {readout}, {'C from the input' if input_dependent_C else 'C fixed'}"


def require_whole(task: SignatureLabels) -> None:
    """Raise unless a task integrates, over all channels in order, a path from zero.

    Raises
    ------
    ValueError
        If it does not; the message gives the task.
    """
    if not task.basepoint or task.word is not None or task.antisymmetric:
        raise ValueError(
            f"task={task}: expected basepoint=True, word=None and antisymmetric=False: "
            "the integral over all channels, in order, of a path that begins at zero"
        )


def label_variance(letters: int, steps: int) -> float:
    r"""Variance of the integral of a word of different letters over steps of variance 1.

    A step may give the word any number j of its letters at once, with the factor 1 / j!, so that
    this is the coefficient of :math:`z^k` in

    .. math:: \Bigl(\sum_j \frac{z^j}{j!^2}\Bigr)^m, \qquad
        \text{for } k = 3: \quad \binom m3 + \frac12 \binom m2 + \frac m{36},

    for k letters and m independent steps of independent coordinates.

    Examples
    --------
    >>> label_variance(letters=2, steps=2)
    1.5
    """
    power = np.array([1.0])
    one = [1 / factorial(j) ** 2 for j in range(letters + 1)]
    for _ in range(steps):
        power = np.convolve(power, one)[: letters + 1]
    return float(power[letters])


@dataclass(frozen=True)
class FedPaths:
    """A task of integrals whose inputs are what a model is fed, of unit variance.

    Parameters
    ----------
    walks
        Brownian walks from zero with the integral over all channels, not normalised.
    fed
        Values, increments or both.
    rest
        Vertices for which each walk stays at zero before it moves, with the longer steps that give
        its end the same variance. The integral is that of the walk, whatever its rest.

    Notes
    -----
    The mean over positions of the variance of inputs is 1, and so is that of the labels: scales
    follow from the length, and not from the paths that were drawn, so rows can be drawn anew.
    """

    walks: SignatureLabels
    fed: Fed
    rest: int = 0

    def __post_init__(self) -> None:
        require_whole(self.walks)
        require_choice("walks.increments", self.walks.increments, ("brownian",))
        require_choice("walks.normalise", self.walks.normalise, ("none",))
        require_choice("fed", self.fed, FED)
        require_integer("rest", self.rest, 0, self.walks.length - 2)

    def with_rows(self, rows: int) -> FedPaths:
        """Set the number of paths, all drawn independently."""
        return replace(self, walks=self.walks.with_rows(rows))

    def build(self, seed: int) -> Dataset:
        """Draw the paths; the same seed gives the same bytes."""
        walks = self.walks
        moving = replace(walks, length=walks.length - self.rest)
        data, letters = moving.build(seed), walks.channels
        longer = (_end_variance(walks.length) / _end_variance(moving.length)) ** 0.5
        values = np.pad(longer * data.inputs, ((0, 0), (self.rest, 0), (0, 0)))
        spread = label_variance(letters, walks.length - 1) / walks.length**letters
        targets = data.targets * longer**letters / spread**0.5
        kind = data.inputs.dtype
        inputs = fed_of(values, self.fed) / self._scales()
        return Dataset(inputs.astype(kind), targets.astype(kind))

    def _scales(self) -> Float[np.ndarray, " feature"]:
        """Root of the mean variance of each feature: step k of variance 1 / length sums to k."""
        length, channels = self.walks.length, self.walks.channels
        values = ((length - 1) / 2 / length) ** 0.5
        increments = (length - 1) ** 0.5 / length
        scales = {"values": [values], "increments": [increments], "both": [values, increments]}
        return np.repeat(scales[self.fed], channels)


def _end_variance(length: int) -> float:
    """Variance of the last vertex of a walk whose steps have the variance 1 / length."""
    return (length - 1) / length
