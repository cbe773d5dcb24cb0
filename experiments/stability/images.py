"""StableSSM on real images read pixel by pixel: the published sweep over learning rates.

Fashion-MNIST and MNIST are sequences of 784 grey pixels, CIFAR-10 of 1,024 in three colours; the
class is read from the mean over time. Training is measured on images held out of the official
training set, and at its end once on the official test set; ``images.split="merged"`` is the
published way, whose test images are not the official ones.

`quick` takes a random subset of Fashion-MNIST, which its records name. `long` trains the published
start of direct weights on it for ten times as many steps, at the rate 0.005. `rates` compares the
maps that start from decaying modes, best with the b of the published code too, on all of MNIST for
three epochs at the rates 0.005 and 0.05. Images are read from the data folder
(``$SEQTHEORY_DATA``) or, where they are not there, downloaded into it.

Source: S. Wang and Q. Li, arXiv:2311.14495, section 4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from experiments.data import CIFAR10, MNIST, DataError, FashionMNIST, Splits
from experiments.data.folder import located
from experiments.run import of_preset
from experiments.stability.training_run import (
    RATES,
    STARTS,
    UPSTREAM_BEST,
    TrainingRun,
    published,
    settings,
    swept,
    train,
)
from seqtheory.checks import require_choice
from seqtheory.training import FitData, Training

if TYPE_CHECKING:
    from experiments.recorder import Recorder

VERSION = 1
PRESETS = ("smoke", "quick", "long", "rates", "paper")
DEFAULT_PRESET = "quick"


@dataclass(frozen=True, kw_only=True)
class ImageRun(TrainingRun):
    """A training on one data set; `data_seed` decides the subset and which images validate."""

    images: FashionMNIST | MNIST | CIFAR10 = field(default_factory=FashionMNIST)
    data_seed: int = 42
    training: Training = field(default_factory=lambda: Training(loss="cross_entropy"))

    def __post_init__(self) -> None:
        """Refuse a loss that classes do not have."""
        super().__post_init__()
        require_choice("training.loss", self.training.loss, ("cross_entropy",))


def runs(preset: str) -> list[ImageRun]:
    """List the runs of a preset."""
    data = (MNIST(), FashionMNIST(), CIFAR10())
    ladder = {
        "smoke": _smoke,
        "quick": lambda: swept(_small(400), rates=RATES[:5]),
        # A cell of `quick`, where the published training breaks down.
        "long": lambda: swept(_small(4_000), starts=STARTS[:1], rates=(5e-3,)),
        "rates": _rates,
        "paper": lambda: [run for images in data for run in _paper(images)],
    }
    return of_preset(preset, ladder)


def _smoke() -> list[ImageRun]:
    small = ImageRun(
        images=FashionMNIST(share=0.005, downsampled=True),
        width=4,
        state_dim=4,
        training=settings("cross_entropy", 16, 6, evaluate_every=3),
    )
    return swept(small, rates=(5e0, 5e-3), seeds=(0,))


def _small(num_steps: int) -> ImageRun:
    """Few images: what is asked is where training breaks down, not how well it ends."""
    return ImageRun(
        images=FashionMNIST(share=0.05, validation=0.04),
        training=settings("cross_entropy", 8, num_steps, evaluate_every=40),
    )


def _rates() -> list[ImageRun]:
    """Three epochs of MNIST at full width, where the published losses of best and exp part."""
    images = MNIST()
    rows = round(images.published.rows[0] * (1 - images.validation))
    training = settings("cross_entropy", 128, 3 * math.ceil(rows / 128), evaluate_every=86)
    starts = (*STARTS[1:], UPSTREAM_BEST)
    return swept(ImageRun(images=images, training=training), starts=starts, rates=RATES[2:4])


def _paper(images: FashionMNIST | MNIST | CIFAR10) -> list[ImageRun]:
    """Ten epochs of all images."""
    rows = round(images.published.rows[0] * (1 - images.validation))
    return swept(ImageRun(images=images, training=published("cross_entropy", rows)))


def execute(run: ImageRun, recorder: Recorder) -> None:
    """Train on the training images, measuring on the held-out ones; test once at the end."""
    import seq_torch

    splits = load(run)
    recorder.note(data=splits.provenance.described(), constant=entropy(splits.validation.targets))
    data = FitData(splits.train, splits.validation)
    model = train(run, data, recorder, seq_torch.MeanOutput(size=10))
    recorder.note(test=seq_torch.evaluate(model, splits.test, run.training))


def load(run: ImageRun) -> Splits:
    """Read the images from the data folder, or fetch them into it where they are not there."""
    try:
        located(run.images.published, None)
    except DataError:
        return run.images.load("download", seed=run.data_seed)
    return run.images.load(seed=run.data_seed)


def entropy(labels: np.ndarray) -> float:
    """Cross-entropy of the best prediction that sees no input: ln 10 where classes are even."""
    shares = np.bincount(labels) / len(labels)
    return float(-(shares * np.log(np.where(shares > 0, shares, 1.0))).sum())
