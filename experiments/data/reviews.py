"""Reviews with a sentiment: one checked text after another, with the place it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from experiments.exit_code import DataError
from seqtheory.dataset import Dataset

POSITIVE = (7, 10)
NEGATIVE = (1, 4)

_MAX_VALUES = 2**31  # bytes with padding; of the published reviews, a twentieth of that
_RATED = re.compile(r".*_0*([0-9]+)")


@dataclass
class Reviews:
    """Reviews as UTF-8 and their sentiments, 0 or 1; `add` checks each of them."""

    texts: list[bytes] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)

    def add(self, text: bytes, label: int, identity: str, places: tuple[str, str]) -> None:
        """Add a review.

        Parameters
        ----------
        text
            Of the review, as UTF-8.
        label
            Its sentiment: 0 negative, 1 positive.
        identity
            Name of the review, which may end in its rating, such as ``12_9``.
        places
            Where text and label stand; a `DataError` about one of them begins with its place.
        """
        of_text, of_label = places
        check_text(text, of_text)
        check_rating(identity, label, of_label)
        self.texts.append(text)
        self.labels.append(label)

    def dataset(self, max_bytes: int, length: int) -> Dataset:
        """Bytes of the beginnings, padded to `length` time steps."""
        if len(self.texts) * length > _MAX_VALUES:
            raise DataError(
                f"{len(self.texts):,} reviews, each padded to {length:,} bytes, are more than "
                f"{_MAX_VALUES:,}; lower max_bytes"
            )
        rows = [text[:max_bytes] for text in self.texts]
        return Dataset.padded(rows, np.array(self.labels, dtype=np.int64), length)

    @property
    def longest(self) -> int:
        """Bytes of the longest text."""
        return max(map(len, self.texts))


def check_text(text: bytes, place: str) -> None:
    """Raise a `DataError` unless a review is UTF-8 and has more than white space."""
    try:
        empty = not text.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place}: the byte 0x{text[error.start]:02x} at {error.start:,} is not UTF-8"
        ) from error
    if empty:
        raise DataError(f"{place}: the review is empty; drop it")


def check_rating(identity: str, label: int, place: str) -> None:
    """Raise if an identity such as ``12_9`` ends in a rating that the sentiment contradicts."""
    if not (match := _RATED.fullmatch(identity)):
        return
    low, high = POSITIVE if label else NEGATIVE
    if match[1] not in map(str, range(low, high + 1)):
        raise DataError(
            f"{place}: the sentiment {label}, but {identity} has the rating {match[1]}, expected "
            f"{low} to {high}"
        )
