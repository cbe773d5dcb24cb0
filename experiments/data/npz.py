"""Reading images from an .npz: a subset, or a copy in a form that nobody published."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from experiments.data.damage import refused
from experiments.data.folder import some, whole
from experiments.data.official import Official
from experiments.data.splits import Contents, File, Images
from experiments.exit_code import DataError
from experiments.store.inputs import reading

NAMES = ("x_train", "y_train", "x_test", "y_test")

_LIMIT = 2**30  # bytes, of the file and of all arrays


def read_npz(official: Official, path: Path) -> Contents:
    """Read ``x_train``, ``y_train``, ``x_test`` and ``y_test``.

    Parameters
    ----------
    official
        What is published.
    path
        Images are unsigned bytes ``(image, row, column, colour)``, the last axis left out where
        there is one colour; labels are integers ``(image,)``. Nothing is unpickled.

    Returns
    -------
    The two splits, never `whole`: no checksum is published for this form.

    Raises
    ------
    DataError
        If the file is damaged, an array is missing or is not as said.
    """
    content = whole(reading(path), _LIMIT)
    arrays = _arrays(content, path)
    splits = []
    for name in ("train", "test"):
        pixels, labels = arrays[f"x_{name}"], arrays[f"y_{name}"]
        shape = pixels.shape
        if pixels.ndim == 3:
            pixels = pixels[..., None]
        if pixels.dtype != np.uint8 or pixels.shape[1:] != official.shape or not len(pixels):
            raise DataError(
                f"{path}: x_{name} is {pixels.dtype} of shape {shape}, expected "
                f"uint8 (image, {', '.join(map(str, official.shape))})"
            )
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            raise DataError(
                f"{path}: y_{name} is {labels.dtype} of shape {labels.shape}, expected integers "
                "(image,)"
            )
        splits.append(Images.checked(pixels, labels, path))
    return Contents(splits[0], splits[1], {path.name: File.of(content)}, whole=False)


def _arrays(content: bytes, path: Path) -> dict[str, np.ndarray]:
    with refused(path, ".npz of numbers"), zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        missing = [name for name in NAMES if f"{name}.npy" not in sizes]
        if missing:
            raise DataError(f"{path} lacks {', '.join(missing)}; it holds {some(list(sizes))}")
        if (total := sum(sizes.values())) > _LIMIT:
            raise DataError(f"{path} unpacks to {total:,} bytes, expected at most {_LIMIT:,}")
        return {name: _array(archive, name) for name in NAMES}


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as member:
        return np.lib.format.read_array(member, allow_pickle=False)
