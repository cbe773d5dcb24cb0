"""Which study file a folder of records belongs to, since two files may have one name.

The folder of a study outside this package holds ``study.json`` with the path of its file, relative
to the folder: it stays true when study and results are moved together. Where there is still
another file at that path, its records are not this study's, and the command is refused. Where
there is none, the study is taken to have been moved, and a line says so.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.exit_code import ConfigError
from experiments.store import durable, stored

if TYPE_CHECKING:
    from experiments.study import Study

NAME = "study.json"


def settle(study: Study, folder: Path) -> str:
    """Make a folder of records this study's, or refuse; returns what is worth saying, or nothing.

    Raises
    ------
    ConfigError
        If it belongs to another study file.
    """
    said = check(study, folder)
    if not study.builtin and (said or not (folder / NAME).exists()):
        from filelock import FileLock

        with FileLock(folder / f".{NAME}.lock"):
            said = check(study, folder)  # another command may have been first
            path = os.path.relpath(study.file.resolve(), folder.resolve())
            durable.write_json(folder / NAME, {"file": Path(path).as_posix()})
    return said


def check(study: Study, folder: Path) -> str:
    """Refuse a folder of records that belongs to another study file, as `settle` does."""
    if study.builtin or (other := owner(folder)) is None or other == study.file.resolve():
        return ""
    if other.exists():
        raise ConfigError(
            f"the records in {folder} are of {other}, not of {study.file}: rename one of the two "
            "files, or choose another folder with --results"
        )
    return f"the records in {folder} are of {other}, which is gone: taken for this study, moved"


def owner(folder: Path) -> Path | None:
    """Study file that a folder of records says it belongs to, there or gone; None if it does not.

    Raises
    ------
    ConfigError
        If what it says cannot be read.
    """
    try:
        held = stored.read_json(folder / NAME).get("file")
    except FileNotFoundError:  # no record yet, or records from before there was such a file
        return None
    except stored.RejectedFileError as error:
        raise ConfigError(f"{error}; it says which study file {folder} belongs to") from error
    try:
        other = (folder.resolve() / str(held)).resolve()
        other.exists()
    except (OSError, ValueError, RuntimeError) as error:  # no name of a file, or a ring of links
        raise ConfigError(f"{folder / NAME}: names no study file ({error})") from error
    return other
