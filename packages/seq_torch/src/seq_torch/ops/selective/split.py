"""How a selective scan is cut into independent parts.

Gradients of `A` sum over sequences, those of varying `B` and `C` over channels. Sequences are cut
into chunks and channels into blocks; each chunk has its own sum for `A`, each block its own for
`B` and `C`, added up at the end in a fixed order. The cut depends on shapes alone, so results have
the same bits on any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ..glue.threads import even_cuts
from .problem import Sizes

TASKS = 8  # parts to aim for: more use more threads, and more memory
CHANNELS = 32  # of a block, at least: kernels run over channels, and short loops are slow
TILE = 64  # channels side by side: enough to make up for the start of a loop
SEGMENT = 1 << 15  # states of one segment, which should stay in the processor's cache


class Part(NamedTuple):
    """Sequences `first` to `last`, channels `left` to `right`, in tiles of so many."""

    first: int
    last: int
    left: int
    right: int
    tile: int


class Split(NamedTuple):
    """Numbers of chunks of sequences and of blocks of channels."""

    chunks: int
    blocks: int

    def part(self, sizes: Sizes, chunk: int, block: int, loads: Sequence[int] | None) -> Part:
        """One of the parts; sequences of unequal loads are cut into chunks of about the same."""
        batch, dim = sizes.batch, sizes.dim
        cuts = [i * batch // self.chunks for i in range(self.chunks + 1)]
        if loads is not None:
            cuts = even_cuts(loads, self.chunks)
        return Part(
            first=cuts[chunk],
            last=cuts[chunk + 1],
            left=block * dim // self.blocks,
            right=(block + 1) * dim // self.blocks,
            tile=TILE,
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


def split_packed(sizes: Sizes, summed: int = 0, per_sequence: int = 0) -> Split:
    """Cut packed sequences, into the blocks of one alone: sums over channels have its bits."""
    blocks = split(sizes._replace(batch=1), summed, per_sequence).blocks
    return Split(max(1, min(sizes.batch, -(-TASKS // blocks))), blocks)


def segment(sizes: Sizes) -> int:
    """Count the steps whose states are held at once: what the cache holds, or the least memory.

    Besides them one state per segment is held, so that the sum is least at the square root.
    """
    at_once = SEGMENT // (min(max(sizes.dim, 1), TILE) * sizes.state)
    return min(max(at_once, math.isqrt(sizes.time), 1), max(sizes.time, 1))
