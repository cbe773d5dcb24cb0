"""What a damaged file makes the standard library and NumPy raise, turned into one error."""

from __future__ import annotations

import lzma
import struct
import tarfile
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from experiments.exit_code import DataError

_MOST_SAID = 200  # characters; NumPy quotes whole headers
_DAMAGE = (
    # Families: a bad text is a ValueError; nesting without end and a method of zip that nobody
    # wrote are RuntimeErrors; a number beyond its type is an ArithmeticError.
    *(OSError, EOFError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError),
    *(MemoryError, SyntaxError, tokenize.TokenError, struct.error, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, tarfile.TarError, Warning),
)


@contextmanager
def refused(path: Path, kind: str) -> Iterator[None]:
    """Read a file in here: whatever its damage raises becomes a `DataError` that names it.

    Parameters
    ----------
    path
        The file.
    kind
        What it should have been, for the message: ``"tar archive of CIFAR-10"``.
    """
    try:
        yield
    except DataError:
        raise
    except _DAMAGE as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_SAID]
        raise DataError(
            f"{path} is no readable {kind}, or was cut short ({said}); get it again"
        ) from error
