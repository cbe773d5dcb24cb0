"""MNIST, Fashion-MNIST and CIFAR-10 as sequences of pixels."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from experiments.data import official
from experiments.data.cifar import read_cifar
from experiments.data.folder import is_remote, located
from experiments.data.idx import read_idx
from experiments.data.npz import read_npz
from experiments.data.official import Official
from experiments.data.pixels import Order, Raster, grey, moments, scaled, sixteen
from experiments.data.splits import VALIDATE_ON_TEST, Contents, Images, Provenance, Splits
from experiments.exit_code import DataError
from seqtheory.checks import require_choice, require_fraction
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import UInt8

Source = str | os.PathLike[str] | None
Seed = int | tuple[int, ...]
Values = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class SequentialImages:
    """Base of the three data sets: what is done to the images between file and model.

    Parameters
    ----------
    order
        Order of the pixels: `Raster`, `BitReversed` or `Permuted`.
    downsampled
        Makes images of 16 x 16 pixels, which is another and easier task than the published one.
    scaling
        ``"train"``: zero mean and unit variance of each channel over the training images.
        ``"upstream"``: the constants of the published code of StableSSM (and, for grey images, of
        S4), which are not this data set's own except for MNIST. ``"unit"``: 0 to 1. ``"bytes"``:
        integers 0 to 255.
    split
        ``"official"``: the published test set, and a validation set cut from the training images.
        ``"merged"``: StableSSM's way, both published sets put together and cut anew at random into
        sets of the same sizes, so that its test accuracies do not compare with others'.
        ``"validate_on_test"``: all training images learn, and the test set validates, so that a
        model selected by it has a test accuracy that is too high; the way of the published S4 in
        JAX.
    validation
        Share of the training images that validate.
    share
        Share of each set that is used, drawn by the seed. Less than 1 makes a subset, which the
        provenance names.
    """

    order: Order = field(default_factory=Raster)
    downsampled: bool = False
    scaling: Literal["train", "upstream", "unit", "bytes"] = "train"
    split: Literal["official", "merged", "validate_on_test"] = "official"
    validation: float = 1 / 12  # 5,000 of 60,000
    share: float = 1.0

    published: ClassVar[Official]
    reader: ClassVar[Callable[[Official, Path], Contents]]

    def __post_init__(self) -> None:
        for name, allowed in (
            ("scaling", ("train", "upstream", "unit", "bytes")),
            ("split", ("official", "merged", VALIDATE_ON_TEST)),
        ):
            require_choice(name, getattr(self, name), allowed)
        require_fraction("validation", self.validation)
        require_fraction("share", self.share, one=True)

    @property
    def constants(self) -> tuple[Values, Values]:
        """Upstream's mean and standard deviation of each channel: those of MNIST."""
        return (0.1307,), (0.3081,)

    @property
    def variant(self) -> tuple[str, ...]:
        """What makes this another task than the published images in raster order."""
        size = ("16 x 16",) if self.downsampled else ()
        order = () if isinstance(self.order, Raster) else (str(self.order),)
        return size + order

    @property
    def length(self) -> int:
        """Number of pixels of an image."""
        rows, columns, _ = self.published.shape
        return 256 if self.downsampled else rows * columns

    @property
    def channels(self) -> int:
        """Number of values of a pixel."""
        return self.published.shape[2]

    def load(self, source: Source = None, *, seed: Seed) -> Splits:
        """Read the data set.

        Parameters
        ----------
        source
            ``"download"``, the URL of a mirror's folder, or a local path: the folder of the
            published files (each plain or gzip), CIFAR-10's archives or their folders, or an
            ``.npz`` with ``x_train``, ``y_train``, ``x_test`` and ``y_test``. With None it is
            looked for in the data folder: ``$SEQTHEORY_DATA``, or where downloads go without it.
        seed
            Decides which images validate (and, for merged splits, which are tested).

        Returns
        -------
        Inputs ``(batch, length, channels)`` of float32 (of uint8 where `scaling` is ``"bytes"``),
        targets ``(batch,)`` of 0 to 9, and the provenance, which says whether this is the
        benchmark or a part of it.

        Raises
        ------
        DataError
            If a file is missing, damaged, or not what it should be.
        DownloadError
            If the network fails.
        """
        path = located(self.published, source)
        contents = self._read(path)
        try:
            parts = self._cut(contents, seed)
        except ValueError as error:  # too few images for these shares
            raise DataError(f"{path}: {error}") from error
        mean, deviation = self._scale(parts[0])
        if self.scaling != "bytes":
            parts = [Dataset(scaled(p.inputs, mean, deviation), p.targets) for p in parts]
        train, validation, test = parts
        provenance = Provenance(
            name=self.published.name,
            source="download" if is_remote(source) else "local",
            whole=contents.whole and self.share == 1,
            files=contents.files,
            rows=self.published.rows,
            split=self.split,
            seed=seed,
            sizes=(len(train), len(validation), len(test)),
            variant=self.variant,
            settings={
                **asdict(self),
                "order": {"type": type(self.order).__name__, **asdict(self.order)},
                "mean": mean.tolist(),
                "deviation": deviation.tolist(),
            },
        )
        return Splits(train, validation, test, provenance)

    def sequences(
        self, images: UInt8[np.ndarray, "image row column colour"]
    ) -> UInt8[np.ndarray, "image time channel"]:
        """Pixels in their order, as they were in the file or rounded to such values."""
        if self.downsampled:
            images = sixteen(images)
        flat = images.reshape(len(images), -1, images.shape[-1])
        return np.ascontiguousarray(flat[:, self.order.positions(flat.shape[1])])

    def _read(self, path: Path) -> Contents:
        if path.suffix == ".npz":
            return read_npz(self.published, path)
        return type(self).reader(self.published, path)

    def _cut(self, contents: Contents, seed: Seed) -> Sequence[Dataset]:
        train, test = (self._dataset(images) for images in (contents.train, contents.test))
        learn, validate = self.share * (1 - self.validation), self.share * self.validation
        if self.split != "merged":
            if self.share < 1:
                (test,) = test.split((self.share,), seed)
            if self.split == VALIDATE_ON_TEST:
                return (*train.split((self.share,), seed), test, test)
            return (*train.split((learn, validate), seed), test)
        together = Dataset(
            np.concatenate([train.inputs, test.inputs]),
            np.concatenate([train.targets, test.targets]),
        )
        rest = len(train) / len(together)
        return together.split((rest * learn, rest * validate, (1 - rest) * self.share), seed)

    def _dataset(self, images: Images) -> Dataset:
        return Dataset(self.sequences(images.pixels), images.labels)

    def _scale(self, train: Dataset) -> tuple[np.ndarray, np.ndarray]:
        if self.scaling == "upstream":
            mean, deviation = map(np.array, self.constants)
        elif self.scaling == "train":
            mean, deviation = moments(train.inputs)
        else:
            mean, deviation = np.zeros(self.channels), np.ones(self.channels)
        if not deviation.all():
            raise DataError(
                f"a channel of the {len(train):,} training images of {self.published.name} has one "
                "value throughout and cannot be scaled to unit variance; use scaling='unit'"
            )
        return mean, deviation


@dataclass(frozen=True, kw_only=True)
class MNIST(SequentialImages):
    """Handwritten digits: 60,000 + 10,000 sequences of 784 grey pixels, 10 classes."""

    published = official.MNIST
    reader = staticmethod(read_idx)


@dataclass(frozen=True, kw_only=True)
class FashionMNIST(SequentialImages):
    """Articles of clothing: 60,000 + 10,000 sequences of 784 grey pixels, 10 classes.

    Upstream scales them by the constants of MNIST.
    """

    published = official.FASHION_MNIST
    reader = staticmethod(read_idx)


@dataclass(frozen=True, kw_only=True)
class CIFAR10(SequentialImages):
    """Photographs: 50,000 + 10,000 sequences of 1,024 pixels in three colours, 10 classes.

    Parameters
    ----------
    grey
        Makes one channel of brightness, as in the Long Range Arena.

    Notes
    -----
    Upstream's standard deviations (0.2023, 0.1994, 0.2010) are means over images of each image's
    own; those of all pixels are about a quarter larger.
    """

    grey: bool = False
    validation: float = 1 / 10  # 5,000 of 50,000

    published = official.CIFAR10
    reader = staticmethod(read_cifar)

    @property
    def constants(self) -> tuple[Values, Values]:
        """Upstream's mean and standard deviation of each channel."""
        if self.grey:
            return (122.6 / 255,), (61 / 255,)
        return (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)

    @property
    def variant(self) -> tuple[str, ...]:
        """What makes this another task than the published images in raster order."""
        return (("grey",) if self.grey else ()) + super().variant

    @property
    def channels(self) -> int:
        """Number of values of a pixel."""
        return 1 if self.grey else 3

    def sequences(
        self, images: UInt8[np.ndarray, "image row column colour"]
    ) -> UInt8[np.ndarray, "image time channel"]:
        """Pixels in their order, as they were in the file or rounded to such values."""
        return super().sequences(grey(images) if self.grey else images)
