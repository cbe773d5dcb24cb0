"""What the readers and writers of model files share: bounds, settings as JSON, one-go writing.

A model file is a safetensors file whose metadata hold the model's settings in canonical JSON. The
packages of both frameworks read and write it; the tensors themselves are theirs to handle.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from pathlib import Path
from typing import Any, cast

from seqtheory import _plain_file

REFUSALS = (
    *(TypeError, ValueError, AttributeError, LookupError, ArithmeticError),
    *(RuntimeError, MemoryError),
)
"""What settings that no program wrote can raise where a model is built from them."""

_LIMIT = 2**40  # bytes; tensors are mapped into memory, not read, until they are asked for


def encoded(config: Any) -> str:
    """Frozen settings as canonical JSON; each nested one names its class under ``"type"``."""
    return json.dumps(_plain(config), sort_keys=True, separators=(",", ":"))


def parsed(text: str, path: Path) -> Any:
    """Read settings back as nested dictionaries.

    Raises
    ------
    ValueError, RecursionError
        If they are not JSON, or name a number that a file of this size cannot have meant: to build
        from it would take the machine's memory.
    """
    settings = json.loads(text)
    _check_bounded(settings, "config", path.stat().st_size)
    return settings


def replace(path: Path, data: bytes) -> None:
    """Write a file in one go: a crash leaves the old one or the new one."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_readable(path: Path, error: type[ValueError]) -> None:
    """Raise, as `_plain_file.opened` does, unless it is a file that can be opened and will end."""
    with _plain_file.opened(path, _LIMIT, error):
        pass


def _plain(value: Any) -> Any:
    if not dataclasses.is_dataclass(value):
        return value
    fields = {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return {"type": type(value).__name__, **fields}


def _check_bounded(value: object, where: str, most: int) -> None:
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            _check_bounded(item, f"{where}.{key}", most)
    elif isinstance(value, int) and value > most:
        raise ValueError(f"{where} is {value}, too large for a file of {most} bytes.")
