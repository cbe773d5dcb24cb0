"""Atomic writing: after a crash, a file has either its old or its new content.

The experiments write everything through this module. Content goes to a temporary file in the
target's folder, which is flushed, synchronised and renamed to the target; then the folder is
synchronised. A process killed at any point leaves at worst a temporary file, which
`clear_leftovers` removes. The one exception is `Log`, which appends lines: a kill may leave an
incomplete last line, which readers ignore.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.store import system_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# No system has all of these; without O_BINARY, Windows would change the ends of lines.
FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"))
_SUFFIX = ".tmp"


class WriteError(OSError):
    """A write failed; the message says how many bytes, where and why. The old content is intact."""


def write_bytes(path: Path, data: bytes) -> None:
    """Replace the content of a file in one step.

    Raises
    ------
    WriteError
        If the disk is full, or the folder is missing or cannot be written. The previous file is
        unchanged and no temporary file is left.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}{_SUFFIX}")
    try:
        _write_new(temporary, data)
        os.replace(temporary, path)  # noqa: PTH105 - the only call; tests inject faults into `os`
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise _failure(f"write {len(data):,} bytes to {path}", error) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Replace a text file (UTF-8) in one step."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step; keys keep their order, NaN and infinities are refused."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, ensure_ascii=True) + "\n")


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> str:
    """Replace a safetensors file in one step.

    Returns
    -------
    str
        The SHA-256 of the file's content, in hexadecimal.
    """
    data = tensor_bytes(tensors)
    write_bytes(path, data)
    return hashlib.sha256(data).hexdigest()


def tensor_bytes(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Serialise arrays in safetensors' format (C order, little-endian); no pickle anywhere."""
    from safetensors.numpy import save

    return save({name: _plain(name, array) for name, array in tensors.items()})


def make_folder(path: Path) -> None:
    """Make a folder and its parents, and synchronise them to the disk."""
    with _naming(f"make the folder {path}"):
        Path(path).mkdir(parents=True, exist_ok=True)
        sync_folder(Path(path).parent)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; a link is removed, never followed."""
    path = Path(path)
    with _naming(f"remove {path}"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def move_aside(path: Path, suffix: str) -> Path:
    """Rename a file or folder to the first free ``name.suffix``, ``name.suffix.1``, ..."""
    target, number = path.with_name(f"{path.name}.{suffix}"), 0
    while target.exists() or target.is_symlink():
        number += 1
        target = path.with_name(f"{path.name}.{suffix}.{number}")
    with _naming(f"rename {path} to {target.name}"):
        path.rename(target)
        sync_folder(path.parent)
    return target


def clear_leftovers(folder: Path) -> None:
    """Remove temporary files of killed processes; call only while holding the folder's lock."""
    for path in leftovers(folder):
        remove(path)


def leftovers(folder: Path) -> list[Path]:
    """Temporary files at any depth, including those of processes that are still writing."""
    return sorted(folder.rglob(f".*{_SUFFIX}"))


def sync_folder(folder: Path) -> None:
    """Synchronise a folder, so that renames in it survive a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and its renames need no such call
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Log:
    """Lines appended to one file, with a running digest of all that it holds.

    Parameters
    ----------
    path
        The file, which is created if needed.
    keep
        Number of leading bytes to keep; the rest is cut off before the first line is appended.
    """

    def __init__(self, path: Path, keep: int = 0) -> None:
        with _naming(f"go on with {path}"):
            held = path.read_bytes()[:keep] if keep else b""
            write_bytes(path, held)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | FLAGS)
        self._path = path
        self._digest = hashlib.sha256(held)
        self.size = len(held)

    @property
    def sha256(self) -> str:
        """SHA-256 of everything in the file."""
        return self._digest.hexdigest()

    def append(self, line: str) -> None:
        """Add one line (without its newline)."""
        data = line.encode("utf-8") + b"\n"
        with _naming(f"write {len(data):,} bytes to {self._path}"):
            _write_all(self._descriptor, data)
        self._digest.update(data)
        self.size += len(data)

    def sync(self) -> None:
        """Synchronise the lines to the disk."""
        with _naming(f"write {self.size:,} bytes to {self._path}"):
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o666)
    try:
        _write_all(descriptor, data)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _plain(name: str, array: np.ndarray) -> np.ndarray:
    array = np.asarray(array, order="C")
    if array.dtype.kind not in "biufc":
        raise TypeError(
            f"tensor {name!r} has dtype {array.dtype}; "
            "expected booleans, integers, floats or complex numbers"
        )
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


@contextmanager
def _naming(action: str) -> Iterator[None]:
    """Turn an error of the system into one that names `action`, since few name a path."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise _failure(action, error) from error


def _failure(action: str, error: OSError) -> WriteError:
    failure = WriteError(f"could not {action}: {system_error.reason(error)}")
    failure.errno = error.errno
    return failure
