"""The study file that a folder of records belongs to, since two study files may share a name.

The folder of a study outside this package holds ``study.json`` with the path of the study's file,
relative to the folder, so that it stays valid when study and results are moved together. If another
study file is still at that path, the records are not this study's and the command is refused. If
there is none, the study is assumed to have been moved, and a line says so.
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
    """Claim a folder of records for a study; return a line to print, or an empty text.

    Raises
    ------
    ConfigError
        If the folder belongs to another study file.
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
    """Raise ConfigError if a folder of records belongs to another study file, as `settle` does."""
    if study.builtin or (other := owner(folder)) is None or other == study.file.resolve():
        return ""
    if other.exists():
        raise ConfigError(
            f"the records in {folder} are of {other}, not of {study.file}: rename one of the two "
            "files, or choose another folder with --results"
        )
    return f"the records in {folder} are of {other}, which is gone: assumed to be of this study"


def owner(folder: Path) -> Path | None:
    """Study file named by a folder of records, even if it is gone; None if none is named.

    Raises
    ------
    ConfigError
        If the name cannot be read.
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
