"""What went wrong in somebody's own code, in one line."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

_FRAMES = 3
_LETTERS = 300  # of a message


def told(error: BaseException, own: Collection[Path] = ()) -> str:
    """Tell an error by its type, its message and the last lines of the files that are one's own.

    Parameters
    ----------
    error
        What was raised.
    own
        Files of the code that it is told to; lines of all others are left out.

    Returns
    -------
    Such as ``ZeroDivisionError: division by zero (model.py:7 in forward: y = x / 0)``.
    """
    text = " ".join(str(error).split())
    text = text if len(text) <= _LETTERS else f"{text[:_LETTERS]}..."
    said = f"{type(error).__name__}: {text}" if text else type(error).__name__
    names = {str(path) for path in own}
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in names]
    if not frames:
        return said
    places = [f"{Path(f.filename).name}:{f.lineno} in {f.name}" for f in frames[-_FRAMES:]]
    line = f": {frames[-1].line}" if frames[-1].line else ""
    return f"{said} ({', '.join(places)}{line})"
