"""A data set as published: train, validation, test, and where every number of it came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.exit_code import DataError
from seqtheory.dataset import Dataset

if TYPE_CHECKING:
    from jaxtyping import Int, UInt8


NUM_CLASSES = 10
VALIDATE_ON_TEST = "validate_on_test"


@dataclass(frozen=True)
class File:
    """A file that was read: SHA-256 and bytes of its content, unpacked."""

    sha256: str
    size: int

    @classmethod
    def of(cls, content: bytes) -> File:
        """Describe a file by its content."""
        return cls(hashlib.sha256(content).hexdigest(), len(content))


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their labels, as they stand in a file.

    Parameters
    ----------
    pixels
        ``(image, row, column, colour)``, 0 to 255.
    labels
        Class of each.
    """

    pixels: UInt8[np.ndarray, "image row column colour"]
    labels: Int[np.ndarray, " image"]

    @classmethod
    def checked(cls, pixels: np.ndarray, labels: np.ndarray, path: Path) -> Images:
        """Put images and labels together; `path` is the file that the labels came from."""
        if len(pixels) != len(labels):
            raise DataError(
                f"{path} holds {len(labels):,} labels for {len(pixels):,} images: the two do not "
                "belong together"
            )
        wrong = np.flatnonzero((labels < 0) | (labels >= NUM_CLASSES))
        if len(wrong):
            raise DataError(
                f"{path}: image {wrong[0]} has the label {labels[wrong[0]]}, expected "
                f"0..{NUM_CLASSES - 1}"
            )
        return cls(pixels, labels.astype(np.int64))


@dataclass(frozen=True, eq=False)
class Contents:
    """What a reader found in the files of a data set.

    Parameters
    ----------
    train, test
        The two splits that the files make.
    files
        The files by name.
    whole
        Whether every file is the published one.
    """

    train: Images
    test: Images
    files: Mapping[str, File]
    whole: bool


@dataclass(frozen=True)
class Provenance:
    """Where a data set came from and what was done to it.

    Parameters
    ----------
    name
        Name of the published data set.
    source
        ``"download"``, ``"local"`` or ``"generated"``; no path, for records are read elsewhere.
    whole
        Whether every file has the published checksum and every row is used. Only then is this
        the benchmark.
    files
        SHA-256 and size of each file read, by name.
    rows
        Rows of the published train and test split, the former with those that validate.
    split
        ``"official"``: the test set is the published one, or drawn from it. ``"merged"``: both
        splits were put together and cut anew. ``"drawn"``: the source has no split, and one was
        drawn. ``"generated"``: the parts of one draw. With ``"validate_on_test"`` (also ``"drawn,
        validate_on_test"``) there is no validation set, and models are selected by the test set.
    seed
        Seed of the cut.
    sizes
        Rows for training, for validation and for the test.
    variant
        What makes the task another than the published one, in words.
    settings
        What was done to the data, in full.
    unit
        What a row is, in the plural.
    """

    name: str
    source: str
    whole: bool
    files: Mapping[str, File]
    rows: tuple[int, int]
    split: str
    seed: int | tuple[int, ...]
    sizes: tuple[int, int, int]
    variant: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    unit: str = "images"

    @property
    def label(self) -> str:
        """Name for figures and tables, in which a subset says that it is one."""
        train, validation, test = self.sizes
        learnt = train if self.split.endswith(VALIDATE_ON_TEST) else train + validation
        sizes = f"{learnt:,} + {test:,} {self.unit}"
        marks = list(self.variant)
        if self.source == "generated":
            marks.append(f"generated, {sizes}")
        elif (learnt, test) != self.rows:
            marks.append(f"subset of {sizes}")
        elif not self.whole:
            marks.append("unverified copy")
        if self.split == "merged":
            marks.append("splits merged")
        if self.split.startswith("drawn"):
            marks.append("split drawn")
        if self.split.endswith(VALIDATE_ON_TEST):
            marks.append("selected on test")
        return f"{self.name} ({', '.join(marks)})" if marks else self.name

    def described(self) -> dict[str, Any]:
        """Plain values for a record, the label among them."""
        return {"label": self.label, **asdict(self)}


@dataclass(frozen=True, eq=False)
class Splits:
    """Three disjoint data sets of one origin.

    Parameters
    ----------
    train, validation, test
        Inputs ``(batch, time, channel)``, or tokens ``(batch, time)`` and a mask; targets
        ``(batch,)``. Choose models by `validation`;
        `test` is for the final number.
    provenance
        Where they came from.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    provenance: Provenance
