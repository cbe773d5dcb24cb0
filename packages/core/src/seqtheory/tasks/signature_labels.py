"""Regression of a signature coefficient of random paths."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from seqtheory import signature
from seqtheory.checks import (
    require_choice,
    require_flag,
    require_integer,
    require_memory,
    require_positive,
)
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import Float

_BLOCK = 1 << 20  # coordinates drawn at once: 8 MB of float64


@dataclass(frozen=True)
class SignatureLabels:
    r"""Predict one iterated integral of a random walk from the walk.

    .. math:: y = S^{w}(X) = \int_{t_1 < \dots < t_k} dX^{w_1}_{t_1} \cdots dX^{w_k}_{t_k}

    Parameters
    ----------
    channels
        Dimension of the path.
    length
        Vertices per path.
    num_paths
        Number of paths.
    word
        Channels :math:`w_1, \dots, w_k` in order of integration; None means
        ``(0, 1, ..., channels - 1)``.
    antisymmetric
        Label with :math:`(S^{w} - S^{\bar w})/2`, where :math:`\bar w` is the word
        backwards. For two letters that is the Levy area; for a word of k letters it is, by
        the antipode, the part of :math:`S^w` that reversing the path multiplies by
        :math:`-(-1)^k`.
    basepoint
        True starts each path at zero, followed by ``length - 1`` random increments that all enter
        the label. False sums `length` random increments; the first of these is then the first
        vertex and does not enter the label.
    increments
        ``"rounded"``: N(0, 1) rounded to integers (half to even); ``"gaussian"``: N(0, 1);
        ``"rademacher"``: +1 or -1; ``"brownian"``: N(0, 1) / sqrt(length).
    normalise
        Divide the paths by the largest \|coordinate\|, and the labels by the largest \|label\|:
        over ``"all"`` paths, over the first `train_fraction` of them (``"train"``), or not
        at all (``"none"``).
    train_fraction
        Share of the rows that ``normalise="train"`` uses.
    dtype
        ``"float64"`` or ``"float32"``, of the result. Labels are computed in float64.

    Notes
    -----
    The defaults are the recipe of the reference. With two channels its label is the plain
    coefficient :math:`S^{12} = \tfrac12 X^1 X^2 + \text{area}`, and not the Levy area (the
    antisymmetric part) that the name of that experiment suggests. `build` needs the memory of its
    result and about 20 MB.

    References
    ----------
    N. M. Cirone et al., "Theoretical Foundations of Deep Selective State-Space Models",
    arXiv:2402.19047, section 5.

    Examples
    --------
    >>> data = SignatureLabels(channels=3, length=10, num_paths=4).build(seed=0)
    >>> data.inputs.shape, data.targets.shape, float(abs(data.targets).max())
    ((4, 10, 3), (4,), 1.0)
    >>> data = SignatureLabels(length=5, num_paths=2, normalise="none").build(seed=0)
    >>> print("inputs  ", data.inputs[1].astype(int).tolist())
    inputs   [[-1, 0], [-3, 0], [-4, -1], [-5, -1], [-5, 0]]
    >>> print("target  ", data.targets[1])
    target   -1.5
    """

    channels: int = 2
    length: int = 100
    num_paths: int = 100_000
    word: tuple[int, ...] | None = None
    antisymmetric: bool = False
    basepoint: bool = False
    increments: Literal["rounded", "gaussian", "rademacher", "brownian"] = "rounded"
    normalise: Literal["all", "train", "none"] = "all"
    train_fraction: float = 0.8
    dtype: Literal["float64", "float32"] = "float64"

    def __post_init__(self) -> None:
        require_integer("channels", self.channels, 1)
        require_integer("length", self.length, 2)
        require_integer("num_paths", self.num_paths, 1)
        require_flag("antisymmetric", self.antisymmetric)
        require_flag("basepoint", self.basepoint)
        kinds = ("rounded", "gaussian", "rademacher", "brownian")
        require_choice("increments", self.increments, kinds)
        require_choice("normalise", self.normalise, ("all", "train", "none"))
        require_choice("dtype", self.dtype, ("float64", "float32"))
        self._check_word()
        self._check_train_fraction()

    @property
    def letters(self) -> tuple[int, ...]:
        """The word, with the default filled in."""
        if self.word is not None:
            return self.word
        require_memory(40 * self.channels, f"the word of all channels={self.channels:,}")
        return tuple(range(self.channels))

    def with_rows(self, rows: int) -> SignatureLabels:
        """Set the number of paths, all drawn independently.

        Raises
        ------
        ValueError
            If the paths are divided by the largest among them, which differs from draw to draw.
        """
        if self.normalise != "none":
            raise ValueError(
                f"normalise={self.normalise!r} divides by the largest value among the rows, so "
                "rows drawn anew would have another scale each time. Use normalise='none'."
            )
        return replace(self, num_paths=rows)

    def build(self, seed: int) -> Dataset:
        """Draw the paths and label them; the same seed gives the same bytes."""
        require_integer("seed", seed, 0)
        shape = (self.num_paths, self.length, self.channels)
        dtype = np.dtype(self.dtype)
        numbers = self.num_paths * (self.length * self.channels + 1)
        require_memory(
            dtype.itemsize * numbers,
            f"num_paths={self.num_paths:,} of length={self.length:,}, channels={self.channels:,}",
        )
        rng = np.random.default_rng(seed)
        inputs = np.empty(shape, dtype)
        targets = np.empty(self.num_paths)
        rows = max(1, _BLOCK // (self.length * self.channels))
        for start in range(0, self.num_paths, rows):
            # Labels of the path as drawn: the scales divide out of the label over its maximum.
            path = self._paths(rng, min(rows, self.num_paths - start))
            inputs[start : start + rows] = path
            targets[start : start + rows] = self._labels(path)
        if self.normalise != "none":
            seen = self.num_paths if self.normalise == "all" else self._train_rows
            _divide_by_largest(inputs, seen, "coordinate of the paths")
            _divide_by_largest(targets, seen, "label")
        return Dataset(inputs, targets.astype(dtype, copy=False))

    @property
    def _train_rows(self) -> int:
        return round(self.train_fraction * self.num_paths)

    def _paths(
        self, rng: np.random.Generator, count: int
    ) -> Float[np.ndarray, "path time channel"]:
        steps = rng.standard_normal((count, self.length - self.basepoint, self.channels))
        if self.increments == "rounded":
            np.rint(steps, out=steps)
        elif self.increments == "rademacher":
            np.copysign(1.0, steps, out=steps)
        elif self.increments == "brownian":
            steps /= np.sqrt(self.length)
        np.cumsum(steps, axis=1, out=steps)
        return signature.add_basepoint(steps) if self.basepoint else steps

    def _labels(self, path: Float[np.ndarray, "path time channel"]) -> Float[np.ndarray, " path"]:
        word = self.letters
        label = signature.coefficient(path, word)
        if self.antisymmetric:
            label = (label - signature.coefficient(path, word[::-1])) / 2
        return label

    def _check_word(self) -> None:
        word = self.word
        if word is None:  # of all channels; two stand for more
            word = tuple(range(min(self.channels, 2)))
        if not isinstance(word, tuple) or not word:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"word={self.word!r}: expected a tuple of at least one channel, such as (0, 1)."
            )
        for letter in word:
            require_integer("every letter of word", letter, 0)
            if letter >= self.channels:
                raise ValueError(
                    f"word {word} uses channel {letter}, but the paths have {self.channels} "
                    f"channels (0..{self.channels - 1}). Give another word or more channels."
                )
        if self.antisymmetric and word == word[::-1]:
            raise ValueError(
                f"word {word} reads the same backwards, so its antisymmetric label is always 0. "
                "Give another word or leave out antisymmetric."
            )
        if self.antisymmetric and self.length == 2:
            raise ValueError(
                "length=2 gives straight paths, whose antisymmetric labels are all 0: "
                "take length 3 or more."
            )

    def _check_train_fraction(self) -> None:
        require_positive("train_fraction", self.train_fraction)
        if self.train_fraction > 1:
            raise ValueError(f"train_fraction={self.train_fraction}: expected at most 1.")
        if self.normalise == "train" and self._train_rows == 0:
            raise ValueError(
                f"train_fraction={self.train_fraction} of num_paths={self.num_paths} is no row "
                "to normalise by. Raise either."
            )


def _divide_by_largest(values: Float[np.ndarray, "*shape"], rows: int, what: str) -> None:
    """Divide in place by the largest magnitude in the first `rows` rows."""
    seen = values[:rows]
    largest = max(float(seen.max()), -float(seen.min()))  # no temporary of the data's size
    if largest == 0.0:
        raise ValueError(
            f"every {what} is 0 in the {rows} rows that normalise looks at. Take more or longer "
            'paths, another seed, or normalise="none".'
        )
    values /= largest
