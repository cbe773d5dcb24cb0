"""IMDB film reviews as sequences of bytes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, Literal

from experiments.data.acl_imdb import read_archive, read_folder
from experiments.data.folder import contents, is_remote, located
from experiments.data.published import Published, remotes
from experiments.data.review_csv import read_csv
from experiments.data.reviews import Reviews
from experiments.data.splits import VALIDATE_ON_TEST, File, Provenance, Splits
from experiments.exit_code import DataError
from seqtheory.checks import require_choice, require_fraction, require_integer
from seqtheory.dataset import Dataset

Seed = int | tuple[int, ...]

ARCHIVE = "aclImdb_v1.tar.gz"
_ROWS = (25_000, 25_000)
_USUAL_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class IMDB:
    """Film reviews, negative (0) or positive (1): 25,000 + 25,000 sequences of bytes.

    Parameters
    ----------
    max_bytes
        Reviews are cut to their first bytes; the default is the length at which S4 and the Long
        Range Arena read them (some 4,000).
    split
        ``"official"``: the published test set, and a validation set cut from the training reviews.
        ``"validate_on_test"``: all training reviews learn and the test set validates, so that a
        model selected by it has a test accuracy that is too high; the way of the Long Range Arena
        and of the published S4.
    validation
        Share of the training reviews that validate.
    test
        Share of all reviews that test, where the source is a CSV and has no split of its own.
    share
        Share of each set that is used, drawn by the seed. Less than 1 makes a subset, which the
        provenance names.

    References
    ----------
    A. Maas et al., Learning Word Vectors for Sentiment Analysis, ACL 2011. Long Range Arena,
    arXiv:2011.04006, section 3.3.
    """

    max_bytes: int = _USUAL_BYTES
    split: Literal["official", "validate_on_test"] = "official"
    validation: float = 1 / 10
    test: float = 1 / 5
    share: float = 1.0

    published: ClassVar[Published] = Published(
        name="IMDB",
        folder="imdb",
        copies=("imdb_*.csv", "imdb_*.csv.gz"),
        url="https://ai.stanford.edu/~amaas/data/sentiment",
        remote=remotes(
            f"{ARCHIVE} 84125825 c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe"
        ),
    )

    def __post_init__(self) -> None:
        require_integer("max_bytes", self.max_bytes, minimum=1)
        require_choice("split", self.split, ("official", VALIDATE_ON_TEST))
        for name in ("validation", "test"):
            require_fraction(name, getattr(self, name))
        require_fraction("share", self.share, one=True)

    @property
    def vocabulary(self) -> int:
        """Number of tokens: the bytes."""
        return 256

    @property
    def variant(self) -> tuple[str, ...]:
        """What makes this another task than the published one."""
        return () if self.max_bytes == _USUAL_BYTES else (f"first {self.max_bytes:,} bytes",)

    def load(self, source: str | os.PathLike[str] | None = None, *, seed: Seed) -> Splits:
        """Read the reviews.

        Parameters
        ----------
        source
            ``"download"``, the URL of a mirror's folder, or a local path: the archive, the folder
            it unpacks to, a folder that holds either, or a CSV (plain or gzip) with the columns
            id, sentiment and review. With None it is looked for in the data folder.
        seed
            Decides which reviews validate, and for a CSV which are tested.

        Returns
        -------
        Bytes ``(batch, time)`` of uint8 with a mask, padded to the longest review or `max_bytes`;
        targets ``(batch,)``; and the provenance, which says whether this is the benchmark.

        Raises
        ------
        DataError
            If a file is missing, damaged, or not what it should be.
        DownloadError
            If the network fails.

        Notes
        -----
        Only the archive has a published checksum: a folder of unpacked files is an unverified copy.
        The official sets are used as they are, with the few texts that they hold twice; those of a
        CSV are dropped, and counted in the provenance.
        """
        path = located(self.published, source)
        found = self._read(path)
        time = min(self.max_bytes, max(part.longest for part in (found.train, found.test) if part))
        learnt = found.train.dataset(self.max_bytes, time)
        split, test = self.split, None
        if found.test:
            test = found.test.dataset(self.max_bytes, time)
        else:
            split = "drawn" if self.split == "official" else f"drawn, {self.split}"
        try:
            train, validation, test = self._cut(learnt, test, seed)
        except ValueError as error:  # too few reviews for these shares
            raise DataError(f"{path}: {error}") from error
        provenance = Provenance(
            name=self.published.name,
            source="download" if is_remote(source) else "local",
            whole=found.whole and self.share == 1,
            files=found.files,
            rows=_ROWS,
            split=split,
            seed=seed,
            sizes=(len(train), len(validation), len(test)),
            variant=self.variant,
            settings={**asdict(self), "duplicates_dropped": found.duplicates},
            unit="reviews",
        )
        return Splits(train, validation, test, provenance)

    def _read(self, path: Path) -> _Found:
        if path.name.endswith((".csv", ".csv.gz")):
            reviews, file, duplicates = read_csv(path)
            return _Found(reviews, None, {path.name: file}, False, duplicates)
        places = (path, path / ARCHIVE, path / "aclImdb")
        for place in places if path.is_dir() else (path,):
            if place.is_file():
                train, test, file = read_archive(place)
                (genuine,) = self.published.remote
                whole = file == File(genuine.sha256, genuine.size)
                return _Found(train, test, {ARCHIVE: file}, whole)
            if (place / "train").is_dir() or (place / "test").is_dir():
                train, test, file = read_folder(place)
                return _Found(train, test, {"aclImdb": file}, False)
        raise DataError(
            f"{path} holds neither {ARCHIVE} nor its folder aclImdb with train and test; it holds "
            f"{contents(path)}"
        )

    def _cut(
        self, learnt: Dataset, test: Dataset | None, seed: Seed
    ) -> tuple[Dataset, Dataset, Dataset]:
        if test is None:
            learnt, test = learnt.split((1 - self.test, self.test), seed)
        if self.share < 1:
            (test,) = test.split((self.share,), seed)
        if self.split == VALIDATE_ON_TEST:
            (train,) = learnt.split((self.share,), seed)
            return train, test, test
        shares = self.share * (1 - self.validation), self.share * self.validation
        train, validation = learnt.split(shares, seed)
        return train, validation, test


@dataclass(frozen=True)
class _Found:
    """What a source holds; no test set where it has no split."""

    train: Reviews
    test: Reviews | None
    files: Mapping[str, File]
    whole: bool
    duplicates: int = 0
