"""An error in a user's own code, as one line."""

from __future__ import annotations

import traceback
from collections.abc import Collection
from pathlib import Path

_FRAMES = 3
_LETTERS = 300  # of a message


def told(error: BaseException, own: Collection[Path] = ()) -> str:
    """Describe an error by its type, its message and its last places in given files.

    Parameters
    ----------
    error
        The error.
    own
        The user's own files; places in other files are left out.

    Returns
    -------
    A line such as ``ZeroDivisionError: division by zero (model.py:7 in forward: y = x / 0)``.
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
