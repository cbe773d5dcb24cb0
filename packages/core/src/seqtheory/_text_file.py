"""Recognise files that are not plain text, and quote text from files in messages."""

from __future__ import annotations

_FOREIGN = {
    b"\x1f\x8b": "gzip-compressed; unpack it first (gunzip)",
    b"PK\x03\x04": "a zip archive; unpack it first",
    b"\xfd7zXZ": "xz-compressed; unpack it first",
    b"\x28\xb5\x2f\xfd": "zstd-compressed; unpack it first",
    b"\xff\xfe": "UTF-16 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}


def foreign_kind(data: bytes) -> str | None:
    """Say what a file is, by its first bytes, where it cannot be read as text."""
    return next((kind for magic, kind in _FOREIGN.items() if data.startswith(magic)), None)


def is_lfs_pointer(data: bytes) -> bool:
    """Whether a file is what Git LFS leaves in place of one that was not fetched."""
    return data.startswith(b"version ") and b"git-lfs" in data[:200]


def shown(text: str) -> str:
    """Text for a message: quoted, control characters escaped, cut short."""
    return repr(text if len(text) <= 60 else text[:57] + "...")
