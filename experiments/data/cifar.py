"""Reading CIFAR-10 in either of its published forms, packed or unpacked."""

from __future__ import annotations

import itertools
import pickletools
import warnings
from pathlib import Path

import numpy as np

from experiments.data.damage import refused
from experiments.data.folder import complete, contents, read
from experiments.data.official import BINARY_BATCHES, PYTHON_BATCHES, Official, md5
from experiments.data.splits import Contents, File, Images
from experiments.data.tar import members
from experiments.exit_code import DataError

_IMAGE = 3 * 32 * 32
_RECORD = 1 + _IMAGE
_MEMBER_LIMIT = 2**26  # bytes; a batch has 31 million
_FORMS = (BINARY_BATCHES, PYTHON_BATCHES)
_ARCHIVES = ("cifar-10-binary.tar.gz", "cifar-10-python.tar.gz")
_INTEGERS = ("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1")
_KEYS = (b"data", b"labels", b"filenames", b"batch_label")


def read_cifar(official: Official, path: Path) -> Contents:
    """Read five training batches and the test batch.

    Parameters
    ----------
    official
        What is published.
    path
        An archive, the folder of its files, or a folder that holds either; of the binary or the
        Python version.

    Raises
    ------
    DataError
        Naming the file: a batch is missing, cut short, no batch, holds a label that is no class,
        or has the published number of images and not their content.

    Notes
    -----
    The batches of the Python version are pickles. They are not unpickled: labels and pixels are
    read off their opcodes, so that no file can run code.

    References
    ----------
    https://www.cs.toronto.edu/~kriz/cifar.html, "Dataset layout".
    """
    place, batches = _batches(official, path)
    names = tuple(batches)
    parts = [_parsed(name, batches[name], place / name) for name in names]
    genuine = {name: official.holds(name, content) for name, content in batches.items()}
    size = official.rows[1]  # every batch is as large as the test set
    for name, part in zip(names, parts, strict=True):
        if len(part.labels) == size and not genuine[name]:
            raise DataError(
                f"{place / name} has as many images as the published batch, but MD5 "
                f"{md5(batches[name])}, expected {official.md5[name]}: it is damaged or another "
                "data set"
            )
    train = Images(
        np.concatenate([part.pixels for part in parts[:-1]]),
        np.concatenate([part.labels for part in parts[:-1]]),
    )
    files = {name: File.of(content) for name, content in batches.items()}
    return Contents(train, parts[-1], files, all(genuine.values()))


def _batches(official: Official, path: Path) -> tuple[Path, dict[str, bytes]]:
    """Content of the six batches of one form, in order, and where they lie."""
    if path.is_file():
        return path, _unpacked(path)
    places = (path, *(path / name for name in official.elsewhere))
    for place, form in itertools.product(places, _FORMS):
        if found := complete([place], form, official.name):
            return place, {name: read(file) for name, file in found.items()}
    for name in _ARCHIVES:
        if (archive := path / name).is_file():
            return archive, _unpacked(archive)
    raise DataError(
        f"{path} holds no file of {official.name} (expected {', '.join(BINARY_BATCHES)}, the same "
        f"without .bin, or {' or '.join(_ARCHIVES)}); it holds {contents(path)}"
    )


def _unpacked(path: Path) -> dict[str, bytes]:
    names = {*BINARY_BATCHES, *PYTHON_BATCHES}

    def is_batch(name: str) -> bool:
        return name.rpartition("/")[2] in names

    members_of = members(path, "tar archive of CIFAR-10", is_batch, _MEMBER_LIMIT)
    found = {name.rpartition("/")[2]: content for name, content in members_of}
    form = max(_FORMS, key=lambda names: len(found.keys() & set(names)))
    if missing := [name for name in form if name not in found]:
        raise DataError(f"{path} lacks {', '.join(missing)} of CIFAR-10")
    return {name: found[name] for name in form}


def _parsed(name: str, content: bytes, path: Path) -> Images:
    if name in BINARY_BATCHES:
        labels, flat = read_binary(content, path)
    else:
        labels, flat = read_pickled(content, path)
    # colour by colour in the file, each row by row
    pixels = flat.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Images.checked(pixels, labels, path)


def read_binary(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labels and pixels of a batch of the binary version."""
    if not content or len(content) % _RECORD:
        raise DataError(
            f"{path} has {len(content):,} bytes, expected a multiple of {_RECORD:,} (a label and "
            "3 x 32 x 32 pixels): it is cut short or no binary batch of CIFAR-10; get it again"
        )
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, _RECORD)
    return records[:, 0], records[:, 1:]


def read_pickled(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Labels and pixels of a dictionary that was pickled, found without running the pickle."""
    with refused(path, "batch of CIFAR-10 in the Python version"), warnings.catch_warnings():
        warnings.simplefilter("error")  # a name that no program wrote is damage too
        labels, data, by_column = _scanned(content)
    if by_column:
        raise DataError(f"{path} holds its pixels column by column, expected row by row")
    if not data or len(data) % _IMAGE or not labels:
        raise DataError(
            f"{path} holds {len(labels):,} labels and {len(data):,} bytes of pixels, expected a "
            f"multiple of {_IMAGE:,}: it is no batch of CIFAR-10 in the Python version"
        )
    return np.array(labels), np.frombuffer(data, dtype=np.uint8).reshape(-1, _IMAGE)


def _scanned(content: bytes) -> tuple[list[int], bytes, bool]:
    """Values under the key of the labels, bytes under that of the data, and their order."""
    key, labels, data = b"", [], b""
    flag = by_column = False  # numpy writes the order as a flag before the bytes, or "F" after
    for opcode, argument, _ in pickletools.genops(content):
        if isinstance(argument, (str, bytes, bytearray)):
            text = _as_bytes(argument)
            if text in _KEYS:
                key = text
            elif key == b"data" and len(text) >= _IMAGE:
                data, by_column = text, flag
            elif key == b"data" and data:
                by_column |= text == b"F"
        elif opcode.name in ("NEWTRUE", "NEWFALSE"):
            flag = opcode.name == "NEWTRUE"
        elif key == b"labels" and opcode.name in _INTEGERS:
            labels.append(argument)
    return labels, data, by_column


def _as_bytes(argument: str | bytes | bytearray) -> bytes:
    # Python 2 wrote bytes where there are now strings; Latin-1 maps the two one to one
    if isinstance(argument, str):
        return argument.encode("latin-1", errors="replace")
    return bytes(argument)
