"""Grey images of shapes, drawn: what stands in for CIFAR-10 where it is absent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from experiments.data.generated import Parts, cut, refuse_source, require_parts
from experiments.data.pixels import moments, scaled, sixteen
from experiments.data.splits import Splits
from seqtheory.checks import require_flag, require_integer
from seqtheory.dataset import Dataset

_ROWS = (50_000, 10_000)
_SIDE = 32
_BLOCK = 1024  # images drawn at once

# Where a shape is, in coordinates in which it fills the unit square or disc.
_Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]
SHAPES: dict[str, _Inside] = {
    "disc": lambda u, v: np.hypot(u, v) < 1,
    "ring": lambda u, v: abs(np.hypot(u, v) - 0.75) < 0.25,
    "square": lambda u, v: _most(u, v) < 0.85,
    "frame": lambda u, v: abs(_most(u, v) - 0.65) < 0.2,
    "triangle": lambda u, v: (v > -0.5) & (np.sqrt(3) * abs(u) + v < 1),
    "cross": lambda u, v: (np.minimum(abs(u), abs(v)) < 0.3) & (_most(u, v) < 0.9),
    "stripes": lambda u, v: (np.hypot(u, v) < 1) & (np.floor(2.5 * u + 0.5) % 2 == 0),
    "checks": lambda u, v: (_most(u, v) < 0.85) & (u * v > 0),
    "two discs": lambda u, v: np.hypot(abs(u) - 0.55, v) < 0.42,
    "half disc": lambda u, v: (np.hypot(u, v) < 1) & (u > 0),
}


@dataclass(frozen=True, kw_only=True)
class DrawnImages:
    """Ten shapes as sequences of grey pixels, row by row: no data set, a stand-in.

    A shape has a random place, size, angle and contrast, brighter or darker than a background with
    a gradient, under noise. What it is shows in how rows differ, that is at distances of a row and
    more along the sequence.

    Parameters
    ----------
    downsampled
        Makes images of 16 x 16 pixels in place of 32 x 32.
    num_examples
        Images to draw, equally many of each shape to within one.
    parts
        Shares for training, validation and test, in the order of drawing.

    Notes
    -----
    Pixels have zero mean and unit variance over the training images. The defaults have CIFAR-10's
    numbers and size; nothing else is CIFAR-10's, and accuracies compare with each other alone.
    """

    downsampled: bool = False
    num_examples: int = 60_000
    parts: Parts = (3 / 4, 1 / 12, 1 / 6)

    def __post_init__(self) -> None:
        require_flag("downsampled", self.downsampled)
        require_integer("num_examples", self.num_examples, minimum=1)
        require_parts(self.parts)

    @property
    def variant(self) -> tuple[str, ...]:
        """What this is, in words."""
        return "in place of grey CIFAR-10", *(("16 x 16",) if self.downsampled else ())

    def load(self, source: None = None, *, seed: int) -> Splits:
        """Draw the images.

        Parameters
        ----------
        source
            None: there is nothing to read.
        seed
            Decides the images and their order.

        Returns
        -------
        Pixels ``(batch, time, 1)`` of float32, targets ``(batch,)`` of 0 to 9 in the order of
        `SHAPES`, and the provenance, whose label says that they are drawn.

        Raises
        ------
        ValueError
            If a source is given: `CIFAR10` reads files.
        """
        refuse_source(source, "images", "CIFAR10")
        random = np.random.default_rng(seed)
        labels = random.permutation(np.arange(self.num_examples) % len(SHAPES))
        starts = range(0, len(labels), _BLOCK)
        images = np.concatenate([_drawn(labels[k : k + _BLOCK], random) for k in starts])[..., None]
        if self.downsampled:
            images = sixteen(images)
        flat = images.reshape(len(images), -1, 1)
        learnt = round(self.parts[0] * len(flat))
        mean, deviation = moments(flat[:learnt])
        return cut(
            Dataset(scaled(flat, mean, deviation), labels),
            self.parts,
            seed=seed,
            name="Drawn shapes",
            rows=_ROWS,
            variant=self.variant,
            settings={**asdict(self), "mean": mean.tolist(), "deviation": deviation.tolist()},
            unit="images",
        )


def _drawn(labels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Draw one image of each label, ``(image, row, column)`` of uint8."""
    count = (len(labels), 1, 1)
    radius, angle = random.uniform(7, 13, count), random.uniform(-0.5, 0.5, count)
    place = [radius + (_SIDE - 1 - 2 * radius) * random.random(count) for _ in range(2)]
    slopes = [random.uniform(-1, 1, count) for _ in range(2)]
    contrast = random.uniform(40, 90, count) * random.choice((-1, 1), count)
    row, column = np.indices((_SIDE, _SIDE))
    y, x = (row - place[0]) / radius, (column - place[1]) / radius
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    inside = np.empty(u.shape, dtype=bool)
    for label, shape in enumerate(SHAPES.values()):
        here = labels == label
        inside[here] = shape(u[here], v[here])
    ground = random.uniform(100, 156, count) + slopes[0] * row + slopes[1] * column
    noise = random.normal(0, 12, inside.shape)
    return np.rint(np.clip(ground + contrast * inside + noise, 0, 255)).astype(np.uint8)


def _most(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(abs(u), abs(v))
