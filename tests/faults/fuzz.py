"""A reader reads damaged files: a value of the right kind, or its own error naming the file.

``python fuzz.py TABLE FOLDER READER...`` prints one JSON line per case that ends otherwise, and
after those of each reader one that counts all. The cases are drawn from a fixed seed. Memory is
bounded, no code may be run, and no case may wait.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SPARE = 2**30  # bytes that a reader may take beyond what the process has after a valid read
PATIENCE = 120  # seconds for one case, on a machine however busy
FORBIDDEN = ("pickle.find_class", "os.system", "os.exec", "os.fork", "os.posix_spawn")
FORBIDDEN += ("subprocess.Popen", "shutil.rmtree", "ctypes.dlopen")
Cases = Iterator[tuple[str, bytes]]


@dataclasses.dataclass(frozen=True)
class Reader:
    """A reader, what it may raise, and where the damage goes.

    Parameters
    ----------
    make
        Writes a small valid sample below a folder, and returns the file that is damaged.
    read
        Reads what lies in the folder.
    valid
        Whether a value is of the right kind.
    errors
        What it may raise; the message names the file or its folder.
    cases
        Draws damaged contents of the file, of which there are at least 150.
    text
        Whether it reads text that somebody typed: no error names a file then, and nothing else can
        be put in its place.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    valid: Callable[[Any], bool]
    errors: tuple[type[Exception], ...]
    cases: Callable[[bytes, np.random.Generator], Cases]
    text: bool = False


class Waiting(BaseException):
    """A case took too long."""


class Ran(BaseException):
    """A case did what no reader does."""


def table(file: str) -> dict[str, Reader]:
    """Load the readers of a table, a Python file beside its test."""
    sys.path.append(str(Path(__file__).parents[1] / "experiments" / "shared"))  # its samples
    spec = importlib.util.spec_from_file_location("readers_under_test", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.READERS


def wrong(reader: Reader, folder: Path) -> str:
    """Say how a case ended, if it ended as it must not."""
    signal.alarm(PATIENCE)
    try:
        with forbidding():
            value = reader.read(folder)
    except FileNotFoundError as error:
        return "" if str(folder) in str(error) else f"an error without the path: {error!r}"
    except reader.errors as error:
        named = str(folder) in str(error) or (reader.text and str(error) != "")
        return "" if named else f"an error that does not name the file: {error!r}"[:500]
    except BaseException as error:
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        signal.alarm(0)
    return "" if reader.valid(value) else f"a value that is none: {value!r}"[:500]


_forbidding = False


@contextlib.contextmanager
def forbidding() -> Iterator[None]:
    """Forbid what runs code or changes files."""
    global _forbidding
    _forbidding = True
    try:
        yield
    finally:
        _forbidding = False


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _forbidding and event in FORBIDDEN:
        raise Ran(event)


def bound_memory() -> None:
    """Leave a reader some memory beyond what the process has by now."""
    with open("/proc/self/statm") as file:  # noqa: PTH123
        pages = int(file.read().split()[0])
    most = pages * resource.getpagesize() + SPARE
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))  # the next reader moves it again


def others(path: Path) -> Iterator[str]:
    """Put something else in the file's place."""
    path.unlink()
    yield "nothing"
    path.mkdir()
    yield "a folder"
    path.rmdir()
    os.mkfifo(path)
    yield "a pipe"
    path.unlink()
    path.symlink_to(path)
    yield "a link to itself"
    path.unlink()
    path.symlink_to("/dev/zero")
    yield "an endless device"


def fuzz(name: str, reader: Reader, folder: Path) -> Iterator[dict[str, Any]]:
    """Give what is known of each case that went wrong, and last the number of all."""
    folder.mkdir()
    path = reader.make(folder)
    content = path.read_bytes()
    assert reader.valid(reader.read(folder)), f"{name}: the sample is not valid"
    bound_memory()
    count = 0
    for case, data in reader.cases(content, np.random.default_rng(len(name))):
        count += 1
        path.write_bytes(data)
        if said := wrong(reader, folder):
            yield {"reader": name, "case": f"{count} {case}", "wrong": said}
    if not reader.text:
        for case in others(path):
            count += 1
            if said := wrong(reader, folder):
                yield {"reader": name, "case": case, "wrong": said}
    shutil.rmtree(folder)
    yield {"reader": name, "count": count}


def main() -> None:
    """Print a line per case that went wrong, and for each reader one with the number of all."""
    file, root, *names = sys.argv[1:]
    readers = table(file)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(Waiting()))
    sys.addaudithook(watch)
    for name in names:
        for said in fuzz(name, readers[name], Path(root) / "sample"):
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
