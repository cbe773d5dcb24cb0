"""The bytes of a model's file, equal for equal models."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def model_file(save: Callable[[Any, Path], None], model: Any) -> bytes:
    """Content of the file that a framework's `save` writes of a model, its metadata in order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save(model, path)
        return _ordered(path.read_bytes())


def _ordered(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file, whose order is that of a hash table.

    A file begins with the size of its header in eight bytes and the header, padded to a multiple of
    eight bytes; tensors are at offsets from its end.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]
