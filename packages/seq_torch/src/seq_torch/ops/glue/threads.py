"""Kernels on several threads of the processor, as many as torch uses.

The kernels release the interpreter's lock, so plain Python threads run them side by side. That
needs no threading layer of numba's, with its own pool, settings and limits after a fork.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import accumulate

import torch

SMALL = 1 << 15  # elementary steps below which handing work to a thread costs more than it saves
MANY = 8  # independent sequences that keep the threads busy by themselves
BLOCK = 64  # states that one worker carries together


def count(work: int, tasks: int) -> int:
    """Return how many workers to use for `work` elementary steps in `tasks` independent tasks."""
    return 1 if work < SMALL else max(1, min(torch.get_num_threads(), tasks))


def run(workers: int, share: Callable[[int], None]) -> None:
    """Call ``share(0), ..., share(workers - 1)`` at once and wait for all of them."""
    waiting = [_pool(os.getpid()).submit(share, i) for i in range(1, workers)]
    share(0)
    for future in waiting:
        future.result()


def run_lanes(
    work: int, lanes: int, share: Callable[[int, int], None], loads: Sequence[int] | None = None
) -> None:
    """Call ``share(first, last)`` for parts of a row of independent lanes, on all threads.

    Parameters
    ----------
    work
        Elementary steps of all lanes together.
    lanes
        Their number.
    share
        Computes the lanes ``range(first, last)``.
    loads
        What each lane costs beside the others; the same for all if None.
    """
    workers = count(work, lanes)
    cuts = even_cuts(loads or [1] * lanes, workers)
    run(workers, lambda i: share(cuts[i], cuts[i + 1]))


def even_cuts(loads: Sequence[int], parts: int) -> list[int]:
    """Cut a row of loads into parts of about the same sum: where each begins, and the end."""
    sums = list(accumulate(loads, initial=0))
    inner = [bisect_left(sums, sums[-1] * part / parts) for part in range(1, parts)]
    return [0, *inner, len(loads)]


def run_tiles(
    work: int,
    sequences: int,
    states: int,
    share: Callable[[int, int, int, int], None],
    *,
    cut_sequences: bool = True,
    cut_states: bool = True,
) -> None:
    """Call ``share(first, last, left, right)`` for parts of sequences and states, on all threads.

    Parameters
    ----------
    work
        Elementary steps of all sequences together.
    sequences, states
        Their numbers.
    share
        Computes the states ``range(left, right)`` of the sequences ``range(first, last)``.
    cut_sequences, cut_states
        Whether workers may divide the sequences, or the states of a sequence, among them.
    """
    most = sequences if cut_sequences else 1
    blocks = -(-states // BLOCK) if cut_states and most < MANY else 1
    workers = count(work, most * blocks)
    cuts = min(most, workers)

    def tiles(worker: int) -> None:
        for task in range(worker, cuts * blocks, workers):
            cut, block = divmod(task, blocks)
            first, last = cut * sequences // cuts, (cut + 1) * sequences // cuts
            share(first, last, block * states // blocks, (block + 1) * states // blocks)

    run(workers, tiles)


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked child has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="seq_torch")
