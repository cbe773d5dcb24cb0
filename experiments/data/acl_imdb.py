"""Reading the official IMDB reviews: the archive, or the folder that it unpacks to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from experiments.data.folder import whole
from experiments.data.reviews import Reviews
from experiments.data.splits import File
from experiments.data.tar import members
from experiments.exit_code import DataError
from experiments.store.inputs import reading

PARTS = tuple((split, folder) for split in ("train", "test") for folder in ("neg", "pos"))

_LIMIT = 2**20  # bytes of a review; the longest has 14 thousand
_NAME = re.compile(r"(?:.*/)?(train|test)/(neg|pos)/(\d{1,9})_(\d{1,2})\.txt")

Texts = dict[tuple[str, str], dict[int, tuple[str, bytes]]]


def read_archive(path: Path) -> tuple[Reviews, Reviews, File]:
    """Training and test reviews of ``aclImdb_v1.tar.gz``, and what the archive hashes to.

    Raises
    ------
    DataError
        Naming the file or the review: it is no archive of reviews or is cut short; a review is
        missing, empty or not UTF-8, or its rating contradicts its folder.
    """
    texts: Texts = {part: {} for part in PARTS}
    for name, text in members(path, "tar archive of reviews", _is_review, _LIMIT):
        match = _NAME.fullmatch(name)
        assert match, "no other was wanted"
        texts[match[1], match[2]][int(match[3])] = (name, text)
    train, test = _checked(texts, path)
    return train, test, File.at(path)


def read_folder(folder: Path) -> tuple[Reviews, Reviews, File]:
    """Training and test reviews of an unpacked archive, and one digest of all its reviews.

    Raises
    ------
    DataError
        As for `read_archive`.
    """
    texts: Texts = {part: {} for part in PARTS}
    for split, label in PARTS:
        for name, path in _files(reading(folder / split / label)):
            match = _NAME.fullmatch(f"{split}/{label}/{name}")
            if not match:
                raise DataError(f"{path}: the name is not of the form ID_RATING.txt")
            texts[split, label][int(match[3])] = (match[0], whole(path, _LIMIT))
    train, test = _checked(texts, folder)
    digest, size = hashlib.sha256(), 0
    for part in PARTS:
        for _, (name, text) in sorted(texts[part].items()):
            digest.update(f"{name} {len(text)}\n".encode() + text)
            size += len(text)
    return train, test, File(digest.hexdigest(), size)


def _is_review(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is missing; expected the reviews of {'/'.join(folder.parts[-2:])}"
        )
    return ((path.name, path) for path in sorted(folder.iterdir()) if path.suffix == ".txt")


def _checked(texts: Texts, source: Path) -> tuple[Reviews, Reviews]:
    """Training and test reviews, each numbered from 0 without a gap, negative ones first."""
    reviews = {"train": Reviews(), "test": Reviews()}
    for split, folder in PARTS:
        found = texts[split, folder]
        for number in range(len(found)):
            if number not in found:
                raise DataError(
                    f"{source} lacks review {number} of {split}/{folder}, {number}_RATING.txt"
                )
            name, text = found[number]
            place = f"{source}: {name}"
            reviews[split].add(text, int(folder == "pos"), Path(name).stem, (place, place))
        if not found:
            raise DataError(f"{source} holds no review of {split}/{folder}")
    return reviews["train"], reviews["test"]
