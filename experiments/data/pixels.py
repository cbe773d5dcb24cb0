"""From images to sequences of pixels: grey, smaller, in another order, scaled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from seqtheory.checks import require_integer

if TYPE_CHECKING:
    from jaxtyping import Float, Float32, Int, UInt8

_LUMA = (19_595, 38_470, 7_471)  # 0.299, 0.587, 0.114 in units of 2**-16


@dataclass(frozen=True)
class Raster:
    """Row by row, each from left to right."""

    def __str__(self) -> str:
        return "raster order"

    def positions(self, length: int) -> Int[np.ndarray, " length"]:
        """Pixel of the raster that stands at each place of the sequence."""
        return np.arange(length)


@dataclass(frozen=True)
class BitReversed:
    """Position k holds the pixel whose number is k with its bits reversed.

    The fixed order of the permuted MNIST in S4's published code (arXiv:2111.00396): the reversal
    over the next power of two, numbers beyond the image left out.
    """

    def __str__(self) -> str:
        return "bit-reversed order"

    def positions(self, length: int) -> Int[np.ndarray, " length"]:
        """Pixel of the raster that stands at each place of the sequence."""
        bits = max(1, (length - 1).bit_length())
        number = np.arange(2**bits)
        places = sum(((number >> bit) & 1) << (bits - 1 - bit) for bit in range(bits))
        return np.asarray(places)[np.asarray(places) < length]


@dataclass(frozen=True)
class Permuted:
    """One random order for all images.

    Parameters
    ----------
    seed
        Seed of NumPy's `RandomState`, whose stream is frozen: the permutation is part of what the
        task is. 92916 is the one that published comparisons on permuted MNIST share.
    """

    seed: int

    def __str__(self) -> str:
        return f"permuted by seed {self.seed}"

    def __post_init__(self) -> None:
        require_integer("seed", self.seed, 0, 2**32 - 1)

    def positions(self, length: int) -> Int[np.ndarray, " length"]:
        """Pixel of the raster that stands at each place of the sequence."""
        return np.random.RandomState(self.seed).permutation(length)


Order = Raster | BitReversed | Permuted


def grey(
    images: UInt8[np.ndarray, "image row column 3"],
) -> UInt8[np.ndarray, "image row column 1"]:
    r"""Luma of ITU-R BT.601, :math:`0.299 R + 0.587 G + 0.114 B`, rounded to the nearest integer.

    In 16-bit fixed point, equal to the conversion ``"L"`` of Pillow, by which S4's published code
    makes the grey images. The Long Range Arena's own weights are 0.2989, 0.587 and 0.114.
    """
    weighted = sum(
        images[..., colour].astype(np.uint32) * weight for colour, weight in enumerate(_LUMA)
    )
    return ((np.asarray(weighted) + 2**15) >> 16).astype(np.uint8)[..., None]


def sixteen(
    images: UInt8[np.ndarray, "image row column colour"],
) -> UInt8[np.ndarray, "image 16 16 colour"]:
    """Means over 2 x 2 pixels, rounded; images of 28 x 28 get a black edge to 32 x 32 first."""
    edge = (32 - images.shape[1]) // 2
    padded = np.pad(images, ((0, 0), (edge, edge), (edge, edge), (0, 0))).astype(np.uint16)
    rows = padded[:, 0::2] + padded[:, 1::2]
    return ((rows[:, :, 0::2] + rows[:, :, 1::2] + 2) >> 2).astype(np.uint8)


def moments(
    sequences: UInt8[np.ndarray, "image time channel"],
) -> tuple[Float[np.ndarray, " channel"], Float[np.ndarray, " channel"]]:
    """Mean and standard deviation of each channel over all pixels, in units of 255."""
    channels = range(sequences.shape[-1])
    counts = np.zeros((len(channels), 256), dtype=np.int64)
    for rows in _blocks(len(sequences)):
        for channel in channels:
            counts[channel] += np.bincount(sequences[rows, :, channel].ravel(), minlength=256)
    values = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ values / total
    spread = (counts * (values - mean[:, None]) ** 2).sum(axis=1) / total
    return mean, np.sqrt(spread)


def scaled(
    sequences: UInt8[np.ndarray, "image time channel"],
    mean: Float[np.ndarray, " channel"],
    deviation: Float[np.ndarray, " channel"],
) -> Float32[np.ndarray, "image time channel"]:
    r""":math:`(x / 255 - \mu) / \sigma` for each channel, by a table of the 256 values."""
    values = np.arange(256)[:, None] / 255
    table = ((values - mean) / deviation).astype(np.float32)
    out = np.empty(sequences.shape, dtype=np.float32)
    for rows in _blocks(len(sequences)):
        for channel in range(sequences.shape[-1]):
            out[rows, :, channel] = table[:, channel][sequences[rows, :, channel]]
    return out


def _blocks(count: int) -> Iterator[slice]:
    """Slices of a few thousand images: an index of eight bytes per pixel stays small."""
    return (slice(start, start + 2048) for start in range(0, count, 2048))
