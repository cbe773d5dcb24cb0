"""How a selective scan is cut into independent parts.

Gradients of `A` sum over sequences, those of varying `B` and `C` over channels. Sequences are cut
into chunks and channels into blocks; each chunk has its own sum for `A`, each block its own for
`B` and `C`, added up at the end in a fixed order. The cut depends on shapes alone, so results have
the same bits on any number of threads.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from .problem import Sizes

TASKS = 8  # parts to aim for: more use more threads, and more memory
CHANNELS = 32  # of a block, at least: kernels run over channels, and short loops are slow
TILE = 64  # channels side by side: enough to make up for the start of a loop
SEGMENT = 1 << 15  # states of one segment, which should stay in the processor's cache


class Part(NamedTuple):
    """Sequences `first` to `last`, channels `left` to `right`; sizes of tiles and segments."""

    first: int
    last: int
    left: int
    right: int
    tile: int
    segment: int


class Split(NamedTuple):
    """Numbers of chunks of sequences and of blocks of channels."""

    chunks: int
    blocks: int

    def part(self, sizes: Sizes, chunk: int, block: int) -> Part:
        """One of the parts."""
        batch, dim = sizes.batch, sizes.dim
        return Part(
            first=chunk * batch // self.chunks,
            last=(chunk + 1) * batch // self.chunks,
            left=block * dim // self.blocks,
            right=(block + 1) * dim // self.blocks,
            tile=TILE,
            segment=segment(sizes),
        )


def split(sizes: Sizes, summed: int = 0, per_sequence: int = 0) -> Split:
    """Cut with `TASKS` parts or more, if blocks of channels stay wide, that needs least memory.

    `summed` counts the elements of a sum over sequences, `per_sequence` those of one over
    channels.
    """
    widest = max(1, sizes.dim // CHANNELS)
    wanted = max(1, min(TASKS, sizes.batch * widest))
    cuts = []
    for chunks in range(1, max(1, min(sizes.batch, wanted)) + 1):
        blocks = min(-(-wanted // chunks), widest)
        if chunks * blocks >= wanted:
            cuts.append((chunks * summed + blocks * per_sequence, chunks, blocks))
    _, chunks, blocks = min(cuts)
    return Split(chunks, blocks)


def segment(sizes: Sizes) -> int:
    """Count the steps whose states are held at once: what the cache holds, or the least memory.

    Besides them one state per segment is held, so that the sum is least at the square root.
    """
    at_once = SEGMENT // (min(max(sizes.dim, 1), TILE) * sizes.state)
    return min(max(at_once, math.isqrt(sizes.time), 1), max(sizes.time, 1))
