"""Note the files of the house on the way from a command to the first equation.

Python imports this file at its start where its folder is on PYTHONPATH. A process notes the files
on its call stack when it starts a worker, and when it enters what computes in `lcde_jax`; beside
them, all files whose functions its main thread has entered until then, imports left out.
"""

import json
import os
import sys
from pathlib import Path

HOUSE = os.environ["SEQTHEORY_HOUSE"] + os.sep
NOTES = os.environ["SEQTHEORY_NOTES"]
EQUATION = tuple(f"lcde_jax{os.sep}{part}" for part in ("solvers", "features"))
FUNCTION = 0x1 | 0x2  # the body of a module or a class has not both of these flags

entered: list[str] = []


def frames(frame):
    while frame is not None:
        yield frame
        frame = frame.f_back


def is_ours(file: str) -> bool:
    """Whether a file is the house's: neither this one nor of an environment that lies inside."""
    return file.startswith(HOUSE) and file != __file__ and "site-packages" not in file


def files(frame) -> list[str]:
    """Files of the house on the stack, outermost first."""
    found = [f.f_code.co_filename for f in frames(frame)]
    ours = [os.path.relpath(f, HOUSE) for f in found if is_ours(f)]
    return list(dict.fromkeys(reversed(ours)))


def entering(frame, event, _) -> None:
    file, flags = frame.f_code.co_filename, frame.f_code.co_flags
    if event != "call" or not is_ours(file):
        return
    name = os.path.relpath(file, HOUSE)
    if name in entered or flags & FUNCTION != FUNCTION:
        return
    if not any(f.f_code.co_filename.startswith("<frozen importlib") for f in frames(frame)):
        entered.append(name)
        if any(part in name for part in EQUATION):
            note(files(frame))


def note(stack: list[str]) -> None:
    """Add this process's part of the way, and watch no longer."""
    sys.setprofile(None)
    with Path(NOTES).open("a", encoding="utf-8") as notes:
        notes.write(json.dumps({"stack": stack, "entered": entered}) + "\n")


def starting(event: str, arguments: tuple) -> None:
    if event == "subprocess.Popen" and "worker" in str(arguments[1]) and sys.getprofile():
        note(files(sys._getframe(1)))


sys.addaudithook(starting)
sys.setprofile(entering)
