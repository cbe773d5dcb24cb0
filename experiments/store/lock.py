"""Lock files that are asked about, and not waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.store import durable


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock file; asked so that two who ask do not see each other."""
    try:
        import fcntl
    except ImportError:  # Windows
        return _is_held_there(lock)
    try:
        descriptor = os.open(lock, os.O_RDONLY | durable.FLAGS)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def tried(lock: Path) -> Iterator[bool]:
    """Hold a lock file if it is free, and give whether it was; it is made where there is none."""
    from filelock import FileLock, Timeout

    held = FileLock(lock)
    try:
        held.acquire(timeout=0)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        held.release()


def _is_held_there(lock: Path) -> bool:
    if not lock.exists():
        return False
    with tried(lock) as free:
        return not free
