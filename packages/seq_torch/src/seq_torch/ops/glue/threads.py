"""Kernels on several threads of the processor, as many as torch uses.

The kernels release the interpreter's lock, so plain Python threads run them side by side. That
needs no threading layer of numba's, with its own pool, settings and limits after a fork.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch

SMALL = 1 << 15  # elementary steps below which handing work to a thread costs more than it saves
MANY = 8  # independent sequences that keep the threads busy by themselves


def count(work: int, tasks: int) -> int:
    """Return the number of workers for so many elementary steps in so many independent tasks."""
    return 1 if work < SMALL else max(1, min(torch.get_num_threads(), tasks))


def run(workers: int, share: Callable[[int], None]) -> None:
    """Call ``share(0), ..., share(workers - 1)`` at once and wait for all of them."""
    waiting = [_pool(os.getpid()).submit(share, i) for i in range(1, workers)]
    share(0)
    for future in waiting:
        future.result()


def run_lanes(work: int, lanes: int, share: Callable[[int, int], None]) -> None:
    """Call ``share(first, last)`` for parts of independent lanes, which are tasks in a row.

    Parameters
    ----------
    work
        Elementary steps of all lanes together.
    lanes
        Their number.
    share
        Does the lanes from `first` up to `last`, without it.
    """
    workers = count(work, lanes)
    run(workers, lambda i: share(i * lanes // workers, (i + 1) * lanes // workers))


@cache
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked child has none of its parent's."""
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="seq_torch")
