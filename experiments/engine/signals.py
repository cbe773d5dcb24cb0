"""Handlers of the signals that ask for a stop, while an engine works."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Signals:
    """Context manager that handles SIGTERM, SIGINT and SIGUSR1, and restores earlier handlers.

    Parameters
    ----------
    stop
        Called with the signal's number. The second SIGINT raises `KeyboardInterrupt` instead.
    """

    def __init__(self, stop: Callable[[int], None]) -> None:
        self._stop = stop
        self._previous: dict[int, Any] = {}
        self.received: int | None = None

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGTERM", "SIGINT", "SIGUSR1"):
                if hasattr(signal, name):
                    number = getattr(signal, name)
                    self._previous[number] = signal.signal(number, self._received)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def again(self) -> None:
        """Install the handlers again, after a library has replaced them."""
        for number in self._previous:
            signal.signal(number, self._received)

    def _received(self, number: int, _: FrameType | None) -> None:
        if self.received == signal.SIGINT == number:
            raise KeyboardInterrupt
        self.received = number
        self._stop(number)
