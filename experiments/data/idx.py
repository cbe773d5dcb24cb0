"""Reading IDX, the format of MNIST and Fashion-MNIST: a small header, then bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.data.folder import complete, contents, read
from experiments.data.official import IDX_FILES, Official, md5, named
from experiments.data.splits import Contents, File, Images
from experiments.exit_code import DataError

if TYPE_CHECKING:
    from jaxtyping import UInt8

_UNSIGNED_BYTE = 8  # the third byte of a header names the type of the values


def read_idx(official: Official, folder: Path) -> Contents:
    """Read the four files of a data set, each plain or gzip.

    Parameters
    ----------
    official
        What is published.
    folder
        Holds the files, or a folder of `Official.elsewhere` that does.

    Raises
    ------
    DataError
        Naming the file: it is missing, cut short, of another format or another image size, holds a
        label that is no class, or has the published number of images and not their content.

    References
    ----------
    Y. LeCun, C. Cortes and C. Burges, http://yann.lecun.com/exdb/mnist, "File formats".
    """
    paths = _paths(official, folder)
    data = {name: read(path) for name, path in paths.items()}
    genuine = {name: official.holds(name, content) for name, content in data.items()}
    splits = []
    for start, count in zip((0, 2), official.rows, strict=True):
        images, labels = IDX_FILES[start : start + 2]
        pixels = parse(data[images], paths[images], official.shape[:2])[..., None]
        split = Images.checked(pixels, parse(data[labels], paths[labels]), paths[labels])
        if len(split.pixels) == count:
            for name in (images, labels):
                if not genuine[name]:
                    raise DataError(_other_content(official, name, data[name], paths[name]))
        splits.append(split)
    files = {name: File.of(content) for name, content in data.items()}
    return Contents(splits[0], splits[1], files, all(genuine.values()))


def parse(content: bytes, path: Path, shape: tuple[int, ...] = ()) -> UInt8[np.ndarray, "item ..."]:
    """Items of one IDX file of unsigned bytes, each of `shape`."""
    header = 8 + 4 * len(shape)
    magic = bytes([0, 0, _UNSIGNED_BYTE, 1 + len(shape)])
    if content[:4] != magic:
        raise DataError(
            f"{path} begins with the bytes {content[:4].hex(' ') or '(none)'}, expected "
            f"{magic.hex(' ')}: it is no IDX file of {'images' if shape else 'labels'}"
        )
    if len(content) < header:
        raise DataError(f"{path} ends inside its header of {header} bytes; get it again")
    count, *found = np.frombuffer(content[4:header], dtype=">u4").tolist()
    if tuple(found) != shape:
        raise DataError(f"{path} holds images of {found}, expected {list(shape)} rows and columns")
    expected = header + count * int(np.prod(shape, dtype=np.int64))
    if len(content) != expected or not count:
        raise DataError(
            f"{path} has {len(content):,} bytes, but its header promises {count:,} items, which "
            f"makes {expected:,}: it is cut short or damaged; get it again"
        )
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(count, *shape)


def _paths(official: Official, folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(
            f"{folder} is a file, expected the folder that holds the four files of "
            f"{official.name} ({', '.join(IDX_FILES)}, plain or .gz), or an .npz"
        )
    places = (folder, *(folder / name for name in official.elsewhere))
    if found := complete(places, IDX_FILES, official.name, packed=True):
        return found
    raise DataError(
        f"{folder} holds no file of {official.name} (expected {', '.join(IDX_FILES)}, plain or "
        f".gz); it holds {contents(folder)}"
    )


def _other_content(official: Official, name: str, content: bytes, path: Path) -> str:
    if other := named(content):
        return f"{path}: its content is {other}'s, expected {official.name}'s"
    return (
        f"{path} has the size of {official.name}'s file but not its content: MD5 {md5(content)}, "
        f"expected {official.md5[name]}. It is damaged or another data set"
    )
