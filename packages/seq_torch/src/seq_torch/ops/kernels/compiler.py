"""How kernels are compiled: to disk where the cache folder can be written, without the lock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit

OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered, so that they vectorise; NaN and infinity keep their meaning.
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
}

logger = logging.getLogger(__name__)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the machine code on disk if a folder for it exists."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError as error:  # numba found no folder that it may write to
        logger.info("kernel %s is compiled anew in every process: %s", function.__name__, error)
        return njit(**OPTIONS)(function)
