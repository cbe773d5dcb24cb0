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


def is_endless(path: Path) -> bool:
    """Whether reading may never end: a pipe or a device. A folder or nothing at all fails soon."""
    return path.exists() and not path.is_file() and not path.is_dir()


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
