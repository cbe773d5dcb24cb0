"""Calls with enormous sizes in a process that may take little memory, and what came of each.

A room's script hands its cases to `judge`; the fixture `judged` runs the script.
"""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from seqtheory import checks

ENORMOUS = (10**8, 10**12, 10**20)
MACHINE = 10**9  # bytes of memory that the guard is told the machine has
_ROOM = 3 * MACHINE  # bytes that may be taken: by this factor an estimate may be wrong
_PATIENCE = 60  # seconds after which a call is taken to go on for ever

Case = Callable[[int], object]


def judge(cases: Mapping[str, Case]) -> None:
    """Print one line of JSON per case and size: the two, and what is wrong; "" if nothing is.

    A size is refused by a ValueError, or by the MemoryError of the guard, whose sentence names the
    argument (of the case ``Class.field of something`` that is ``field``); or it is legal and cheap.
    """
    checks.physical_memory = lambda: MACHINE
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * os.sysconf("SC_PAGE_SIZE") + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    signal.signal(signal.SIGALRM, _give_up)
    for name, case in cases.items():
        for size in ENORMOUS:
            print(json.dumps([f"{name} = {size:.0e}", _wrong(name, case, size)]), flush=True)


def _wrong(name: str, case: Case, size: int) -> str:
    signal.alarm(_PATIENCE)
    try:
        case(size)
    except Exception as error:
        signal.alarm(0)
        told, field = str(error), name.split(" ")[0].rsplit(".", 1)[-1]
        guarded = isinstance(error, MemoryError) and "this machine has" in told
        if field in told and (guarded or isinstance(error, ValueError)):
            return ""
        return f"{type(error).__name__}: {told}"
    except _NoAnswerError:
        return "no answer"
    finally:
        signal.alarm(0)
    return ""


class _NoAnswerError(BaseException):
    """A call that goes on; no handler of errors takes it for one of its own."""


def _give_up(*_: object) -> None:
    raise _NoAnswerError
