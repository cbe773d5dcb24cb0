"""How kernels are compiled: said once, kept on disk, without the interpreter's lock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import event
from numba.core.caching import FunctionCache

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
        kernel: Any = njit(cache=True, **OPTIONS)(function)
    except RuntimeError as error:  # numba found no folder that it may write to
        logger.info("kernel %s is compiled anew in every process: %s", function.__name__, error)
        return njit(**OPTIONS)(function)
    kernel._cache = _ForgivingCache(function)
    return kernel


class _ForgivingCache(FunctionCache):
    """A cache whose damaged files (a full disk, a kill, a copy cut short) cost a compilation."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # unpickling what is damaged may raise anything
            logger.warning("%s is compiled again: its cache is damaged (%r)", self._name, error)
            self._forget()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except Exception as error:
            logger.warning("%s is not kept on disk: %r", self._name, error)

    def _forget(self) -> None:
        try:
            self.flush()
        except OSError as error:
            logger.info("%s: its cache stays damaged: %r", self._name, error)


class _Announcer(event.Listener):
    """Notices a compilation that the files on disk do not spare."""

    def on_start(self, event: event.Event) -> None:
        if event.data is not None:
            announce(event.data["dispatcher"].py_func)

    def on_end(self, event: event.Event) -> None:
        """Nothing is said of the end: the call returns."""


def announce_on_a_new_machine() -> None:
    """Say so before the first kernel, if none is on disk: numba itself takes seconds to begin."""
    try:
        kept = Path(FunctionCache(announce).cache_path).glob("*.nbi")
    except RuntimeError:  # there is no folder to keep any
        kept = iter(())
    if not any(kept):
        _say_once()


def announce(function: Callable[..., Any]) -> None:
    """Say, once per process, that kernels are being compiled: it can take half a minute."""
    if (function.__module__ or "").startswith(f"{__package__}."):
        _say_once()


@cache
def _say_once() -> None:
    logger.warning(
        "compiling the kernels of the CPU for this machine, some seconds each; later processes "
        "read them from disk"
    )


event.register("numba:compile", _Announcer())
