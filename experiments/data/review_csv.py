"""Reading reviews from a CSV file with the columns id, sentiment and review."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from experiments.data.folder import read
from experiments.data.reviews import Reviews
from experiments.data.splits import File
from experiments.exit_code import DataError

COLUMNS = ("id", "sentiment", "review")


def read_csv(path: Path) -> tuple[Reviews, File, int]:
    """Read the reviews of a CSV, plain or gzip, each text once.

    Returns
    -------
    The reviews, the file's digest, and how many reviews were dropped because an earlier one has the
    same text.

    Raises
    ------
    DataError
        Naming file, line and column: a column is missing, a row has another number of fields, a
        quote is not closed, a sentiment is neither 0 nor 1 or contradicts the rating in the id, a
        review is empty, not UTF-8, or there twice with different sentiments.
    """
    content = read(path)
    records = _records(content, path)
    line, header = next(records, (1, []))
    if missing := [name for name in COLUMNS if name not in header]:
        raise DataError(
            f"{path}:{line}: no column {', '.join(missing)}; the header is "
            f"{','.join(header)[:80]!r}, expected {','.join(COLUMNS)}"
        )
    identity, sentiment, review = (header.index(name) for name in COLUMNS)
    reviews, lines, dropped = Reviews(), {}, 0
    for line, fields in records:
        if len(fields) != len(header):
            raise DataError(f"{path}:{line}: {len(fields)} fields, expected {len(header)}")
        places = f"{path}:{line}: column 'review'", f"{path}:{line}: column 'sentiment'"
        label = _label(fields[sentiment], places[1])
        text = fields[review].encode("utf-8", errors="surrogateescape")
        if text in lines:
            earlier, known = lines[text]
            if known != label:
                raise DataError(
                    f"{places[1]}: {label}, but line {earlier} has the same "
                    f"review with {known}; drop one of them"
                )
            dropped += 1
            continue
        reviews.add(text, label, fields[identity], places)
        lines[text] = (line, label)
    if not reviews.texts:
        raise DataError(f"{path}: a header and no reviews: the file is empty or cut short")
    return reviews, File.of(content), dropped


def _records(content: bytes, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Fields of each record with the line it begins on; bytes that are not UTF-8 survive."""
    text = content.decode("utf-8-sig", errors="surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{path}:{line}: {error}: a quote is not closed or not doubled in the record that "
                "begins here, or the file is cut short"
            ) from error
        if fields:
            yield line, fields


def _label(text: str, place: str) -> int:
    if text not in ("0", "1"):
        raise DataError(f"{place}: got {text[:60]!r}, expected 0 (negative) or 1 (positive)")
    return int(text)
