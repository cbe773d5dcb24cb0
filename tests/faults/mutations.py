"""Damaged copies of a file's content: what disks, networks, editors and strangers make of it."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
from archives import tarred

NUMBERS = (b"9" * 5000, b"-1", b"1e999", b"18446744073709551616", b"nan", b"0x10", b"1_0", b"0")
LEAVES = (None, True, -1, 0, 2.5, 10**30, 1e308, "", "x" * 2000, "\ud800", "\0", [], {}, [[1]])
NESTED = 100_000


class Payload:
    """What unpickling would run; the harness forbids it, and ends the process that tries."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, ("import os; os._exit(3)",))


def damaged(content: bytes, rng: np.random.Generator, count: int) -> Iterator[tuple[str, bytes]]:
    """Draw `count` damaged copies, after one for each way to replace the whole of it."""
    yield from replaced(content)
    ways = (cut, flipped, inserted, deleted, repeated, zeroed, numbered, spliced)
    for number in range(count):
        way = ways[number % len(ways)]
        yield way.__name__, way(content, rng)


def cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def flipped(content: bytes, rng: np.random.Generator) -> bytes:
    data = np.frombuffer(content, dtype=np.uint8).copy()
    places = rng.integers(0, len(data), size=int(rng.choice([1, 1, 2, 8])))
    # half of the time near the beginning, where headers stand
    places = places % min(len(data), 64) if rng.random() < 0.5 else places
    data[places] ^= np.left_shift(1, rng.integers(0, 8, size=len(places))).astype(np.uint8)
    return data.tobytes()


def inserted(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    piece = rng.choice([b"\0", b"\n", b"\xff\xfe", b'"', b",", b"(" * 100, rng.bytes(7)])
    return content[:place] + bytes(piece) + content[place:]


def deleted(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    return content[:place] + content[place + int(rng.integers(1, 20)) :]


def repeated(content: bytes, rng: np.random.Generator) -> bytes:
    start, stop = sorted((_place(content, rng), _place(content, rng)))
    return content[:stop] + content[start:stop] * int(rng.choice([1, 2, 5])) + content[stop:]


def zeroed(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    return content[:place] + bytes(len(content) - place)


def numbered(content: bytes, rng: np.random.Generator) -> bytes:
    """Put another number where a digit stands; in binary content, all ones in a few bytes."""
    digits = np.flatnonzero(np.isin(np.frombuffer(content, dtype=np.uint8), list(b"0123456789")))
    if len(digits) and rng.random() < 0.8:
        place = int(rng.choice(digits))
        return content[:place] + NUMBERS[rng.integers(len(NUMBERS))] + content[place + 1 :]
    place = min(_place(content, rng), 200)
    return content[:place] + b"\xff" * 8 + content[place + 8 :]


def spliced(content: bytes, rng: np.random.Generator) -> bytes:
    """Put a piece of the file where another stood."""
    place, start = _place(content, rng), _place(content, rng)
    piece = content[start : start + int(rng.integers(1, 64))]
    return content[:place] + piece + content[place + len(piece) :]


def replaced(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Everything that is another file."""
    yield "empty", b""
    yield "blank", b" \n\n"
    yield "NULs", bytes(len(content))
    yield "no text", bytes(range(256)) * 4
    yield "pickle", pickle.dumps(Payload())
    yield "array of objects", _npy(np.array([Payload()]), allow_pickle=True)
    yield "array of numbers", _npy(np.arange(5))
    yield "lists in lists", b"[" * NESTED + b"]" * NESTED
    yield "dictionaries in dictionaries", b'{"a":' * NESTED + b"1" + b"}" * NESTED
    yield "a long number", b"9" * 5000
    yield "pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    yield "with a mark", b"\xef\xbb\xbf" + content
    text = content.decode("latin-1")
    yield "UTF-16", text.encode("utf-16")
    yield "UTF-32", text.encode("utf-32")
    yield "gzip", gzip.compress(content)
    yield "gzip of zeros", gzip.compress(bytes(2**24))
    yield "zip", zipped({"a": content})
    yield "tar", tarred({"a": content})
    yield "png", b"\x89PNG\r\n\x1a\n" + content[8:]
    yield "header of safetensors", (2**62).to_bytes(8, "little") + content
    yield "twice", content + content


def leaves(content: bytes, rng: np.random.Generator, count: int) -> Iterator[tuple[str, bytes]]:
    """JSON in which one value is another: of another type, missing, too large, too deep."""
    value = json.loads(content)
    places = list(_places(value))
    for _ in range(count):
        copy = json.loads(content)
        *way, last = places[rng.integers(len(places))]
        inner = copy
        for key in way:
            inner = inner[key]
        choice = int(rng.integers(len(LEAVES) + 2))
        if choice < len(LEAVES):
            inner[last] = LEAVES[choice]
        elif choice == len(LEAVES) and isinstance(inner, dict):
            del inner[last]
        else:
            inner[last] = _deep(300)
        yield f"another value at {[*way, last]}", json.dumps(copy).encode()


def models(content: bytes, rng: np.random.Generator, count: int) -> Iterator[tuple[str, bytes]]:
    """Files of safetensors whose header, or the settings of a model in it, say something else."""
    size = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + size]), content[8 + size :]
    for case, data in leaves(json.dumps(header).encode(), rng, count // 2):
        yield f"header, {case}", len(data).to_bytes(8, "little") + data + body
    for kind in ("BF16", "F8_E4M3", "F64", "I64", "BOOL", "F4", "C64"):
        name = next(name for name in header if name != "__metadata__")
        text = json.dumps(header | {name: header[name] | {"dtype": kind}}).encode()
        yield f"numbers of kind {kind}", len(text).to_bytes(8, "little") + text + body
    if "__metadata__" not in header:
        return
    settings = header["__metadata__"]["config"]
    for most in (2, 100, len(content) - 99):
        yield (
            f"settings of {most}",
            with_settings(re.sub(r"\b\d+\b", str(most), settings), header, body),
        )
    for case, data in leaves(header["__metadata__"]["config"].encode(), rng, count // 2):
        yield f"settings, {case}", with_settings(data.decode(), header, body)


def with_settings(settings: str, header: dict[str, Any], body: bytes) -> bytes:
    other = header | {"__metadata__": header["__metadata__"] | {"config": settings}}
    text = json.dumps(other).encode()
    return len(text).to_bytes(8, "little") + text + body


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def _place(content: bytes, rng: np.random.Generator) -> int:
    """A place in the content, as often near its beginning or end as anywhere."""
    size = len(content)
    kind = rng.integers(3)
    if kind == 0:
        return int(rng.integers(0, size))
    near = int(rng.integers(0, min(size, 64)))
    return near if kind == 1 else size - near


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*way, key)
        if isinstance(item, (dict, list)):
            yield from _places(item, (*way, key))


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value
