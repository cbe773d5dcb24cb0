"""How the backward pass of a selective scan is cut into independent parts.

Gradients of `A` sum over sequences, those of varying `B` and `C` over channels. Sequences are cut
into chunks and channels into blocks; each chunk has its own sum for `A`, each block its own for
`B` and `C`, added up at the end in a fixed order. The cut depends on shapes alone, so results have
the same bits on any number of threads.
"""

from __future__ import annotations

from typing import NamedTuple

from .problem import Sizes

TASKS = 8  # parts to aim for: more use more threads, and more memory
SEGMENT = 1 << 15  # states of one segment, which should stay in the processor's cache


class Split(NamedTuple):
    """Numbers of chunks of sequences, of blocks of channels, and steps in a segment."""

    chunks: int
    blocks: int
    segment: int

    def sequences(self, chunk: int, batch: int) -> tuple[int, int]:
        """First sequence of a chunk, and the one after its last."""
        return chunk * batch // self.chunks, (chunk + 1) * batch // self.chunks

    def channels(self, block: int, dim: int) -> tuple[int, int]:
        """First channel of a block, and the one after its last."""
        return block * dim // self.blocks, (block + 1) * dim // self.blocks


def split(sizes: Sizes, summed: int, per_sequence: int) -> Split:
    """Cut with at least `TASKS` parts, where the shape allows it, that needs least memory.

    `summed` counts the elements of a sum over sequences, `per_sequence` those of one over
    channels.
    """
    wanted = max(1, min(TASKS, sizes.batch * sizes.dim))
    cuts = []
    for chunks in range(1, max(1, min(sizes.batch, wanted)) + 1):
        blocks = min(-(-wanted // chunks), max(1, sizes.dim))
        if chunks * blocks >= wanted:
            cuts.append((chunks * summed + blocks * per_sequence, chunks, blocks))
    _, chunks, blocks = min(cuts)
    return Split(chunks, blocks, max(1, min(sizes.time, SEGMENT // sizes.state)))
