"""Reading the official IMDB reviews: the archive, or the folder that it unpacks to."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from experiments.data.reviews import Reviews
from experiments.data.splits import File
from experiments.exit_code import DataError
from experiments.inputs import reading

PARTS = tuple((split, folder) for split in ("train", "test") for folder in ("neg", "pos"))

_LIMIT = 2**20  # bytes of a review; the longest has 14 thousand
_NAME = re.compile(r"(?:.*/)?(train|test)/(neg|pos)/(\d{1,9})_(\d{1,2})\.txt")

Texts = dict[tuple[str, str], dict[int, tuple[str, bytes]]]


def read_archive(path: Path) -> tuple[Reviews, Reviews, File]:
    """Training and test reviews of ``aclImdb_v1.tar.gz``, and what the archive hashes to.

    Raises
    ------
    DataError
        If it is no such archive, cut short, or a review is missing, empty or no UTF-8; named.
    """
    texts: Texts = {part: {} for part in PARTS}
    try:
        with tarfile.open(reading(path)) as archive:
            for member in archive:
                if not member.isfile() or not (match := _NAME.fullmatch(member.name)):
                    continue
                _check_size(f"{path}: {member.name}", member.size)
                file = archive.extractfile(member)
                assert file is not None, "a regular member has content"
                texts[match[1], match[2]][int(match[3])] = (member.name, file.read())
        facts = File.at(path)
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DataError(
            f"{path} is no readable tar archive of reviews, or was cut short ({error}); get it "
            "again"
        ) from error
    train, test = _checked(texts, path)
    return train, test, facts


def read_folder(folder: Path) -> tuple[Reviews, Reviews, File]:
    """Training and test reviews of an unpacked archive, and one digest of all of them.

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
            _check_size(str(path), path.stat().st_size)
            texts[split, label][int(match[3])] = (f"{split}/{label}/{name}", path.read_bytes())
    train, test = _checked(texts, folder)
    digest, size = hashlib.sha256(), 0
    for part in PARTS:
        for _, (name, text) in sorted(texts[part].items()):
            digest.update(f"{name} {len(text)}\n".encode() + text)
            size += len(text)
    return train, test, File(digest.hexdigest(), size)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is missing; expected the reviews of {'/'.join(folder.parts[-2:])}"
        )
    return ((path.name, path) for path in sorted(folder.iterdir()) if path.suffix == ".txt")


def _check_size(place: str, size: int) -> None:
    if size > _LIMIT:
        raise DataError(f"{place} has {size:,} bytes, expected at most {_LIMIT:,}")


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
