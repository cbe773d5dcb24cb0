"""Blocks of paths shared among threads, which run at once while NumPy releases the GIL."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import pairwise


def share(work: Callable[[Sequence[int]], None], starts: Sequence[int]) -> None:
    """Call `work` with runs of consecutive blocks, one run per thread.

    A block's values do not depend on the thread that computes it. If several threads fail, the
    error of the earliest blocks is raised.
    """
    threads = min(num_threads(), len(starts))
    if threads <= 1:
        work(starts)
        return
    ends = [len(starts) * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        # The context holds NumPy's errstate: what the caller ignores is ignored here too.
        parts = [pool.submit(copy_context().run, work, starts[a:b]) for a, b in pairwise(ends)]
    for part in parts:
        part.result()


def num_threads() -> int:
    """Threads this process may use: `OMP_NUM_THREADS` where it is set, else its processors."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()  # one per nesting level
    if asked.isdecimal():
        return max(int(asked), 1)
    if hasattr(os, "sched_getaffinity"):  # not on every platform
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
