"""Small valid files of every data set that is read, made from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from archives import tarred

from experiments.data import official


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder, which is returned."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def images(count: int, shape: tuple[int, ...], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Pixels at random, and a class for each image in turn."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8), np.arange(count) % 10


def idx(items: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, items.ndim]) + np.array(items.shape, ">u4").tobytes()
    return header + items.astype(np.uint8).tobytes()


def idx_files(train: int, test: int) -> dict[str, bytes]:
    """The four files of MNIST."""
    parts = [*images(train, (28, 28), 0), *images(test, (28, 28), 1)]
    return dict(zip(official.IDX_FILES, map(idx, parts), strict=True))


def binary_batches(count: int) -> dict[str, bytes]:
    """The six files of CIFAR-10 in the binary version."""
    found = {}
    for seed, name in enumerate(official.BINARY_BATCHES):
        pixels, labels = images(count, (3072,), seed)
        found[name] = np.column_stack([labels.astype(np.uint8), pixels]).tobytes()
    return found


def reviews(each: int) -> dict[str, bytes]:
    """Names and contents of an unpacked archive of IMDB, in no order."""
    found = {}
    for split in ("test", "train"):
        for label, rating in (("pos", 8), ("neg", 2)):
            for number in reversed(range(each)):
                text = f"{split} {label} {number}: " + "très bien. " * number
                found[f"{split}/{label}/{number}_{rating}.txt"] = text.encode()
    return {**found, "train/unsup/0_0.txt": b"not used", "README": b"not used"}


def review_archive(files: dict[str, bytes]) -> bytes:
    """The same as a tar archive, which has them in a folder of its own."""
    return tarred({f"aclImdb/{name}": content for name, content in files.items()})
