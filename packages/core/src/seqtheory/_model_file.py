"""Reading and writing of model files: the parts that do not depend on a framework.

A model file is a safetensors file whose metadata hold the model's settings in canonical JSON. Both
`lcde_jax` and `seq_torch` read and write such files, and handle the tensors themselves.
"""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from seqtheory import _plain_file, plain
from seqtheory.settings import SequenceModel

FORMAT = "seq_torch.model.1"
_REFUSALS = (
    *(TypeError, ValueError, AttributeError, LookupError, ArithmeticError),
    *(RuntimeError, MemoryError),
)  # errors that building a model from hand-edited settings can raise
_LIMIT = 2**40  # bytes; tensors are mapped into memory, not read, until they are asked for

Config = TypeVar("Config", bound=SequenceModel)
Renew = Callable[[dict[str, Any]], dict[str, Any]]


class CheckpointError(ValueError):
    """A file that is no complete model, is of another framework, or holds an unexpected model."""


class Facts(NamedTuple):
    """The compared properties of a tensor: shape, name of its type, whether it is floating."""

    shape: tuple[int, ...]
    dtype: str
    floating: bool


def check_model(model: object, kind: type) -> None:
    """Raise TypeError unless `model` is a `kind`, whose config says how to build it again."""
    if not isinstance(model, kind):
        raise TypeError(
            f"got a {type(model).__name__}, expected a {kind.__name__}: only its config says how "
            "to build it again."
        )


def metadata(config: SequenceModel) -> dict[str, str]:
    """Format, and settings as canonical JSON; each nested one names its class as "type"."""
    said = json.dumps(plain.described(config), sort_keys=True, separators=(",", ":"))
    return {"format": FORMAT, "config": said}


def replace(path: Path, data: bytes) -> None:
    """Write a model file atomically: after a crash it holds its old content or the new one.

    Its metadata are written in the order of their names, so that equal models have equal files.
    """
    data = _ordered(data)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _ordered(data: bytes) -> bytes:
    """Sort the metadata of a safetensors file, whose order is that of a hash table.

    A file begins with the size of its header in eight bytes and the header, padded to a multiple of
    eight bytes; tensors are at offsets from its end.
    """
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data[8 + size :]


@contextmanager
def reading(path: Path, incomplete: type[Exception]) -> Generator[None, None, None]:
    """Raise `CheckpointError` unless a file can be opened, will end, and is complete."""
    with _plain_file.opened(path, _LIMIT, CheckpointError):
        pass
    try:
        yield
    except incomplete as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete safetensors file ({error}). "
            "It was truncated or is of another format; write it again."
        ) from error


def config(
    found: Mapping[str, str], kind: type[Config], path: Path, tensors: int, renew: Renew = dict
) -> Config:
    """Read the settings that the metadata of a file hold.

    Parameters
    ----------
    found
        The metadata.
    kind
        Class of the settings.
    path
        The file, named in messages. A number among the settings that exceeds the file's size in
        bytes is refused, so that a damaged file cannot make the machine run out of memory.
    tensors
        Number of tensors in the file; a model has at least one per layer.
    renew
        Translates the fields of one class, as an older version wrote them, into today's.

    Raises
    ------
    CheckpointError
        If the metadata hold no valid settings of this class; the message names the field.
    """
    if found.get("format") != FORMAT or "config" not in found:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a model: its metadata has "
            f"format={found.get('format')!r}, expected {FORMAT!r}. Write models with "
            "lcde_jax.save or seq_torch.save."
        )
    try:
        said = json.loads(found["config"], object_hook=renew)
        _check_bounded(said, "config", path.stat().st_size)
        settings = plain.restored(said, kind, "config")
    except _REFUSALS as error:
        raise CheckpointError(f"{path} holds no valid config: {error}") from error
    if settings.depth > tensors:
        raise CheckpointError(
            f"{path} holds {tensors} tensors, too few for its config.depth={settings.depth}."
        )
    return settings


@contextmanager
def building(path: Path) -> Generator[None, None, None]:
    """Raise `CheckpointError` where no model can be built from the settings of a file."""
    try:
        yield
    except CheckpointError:
        raise
    except _REFUSALS as error:
        raise CheckpointError(f"{path} holds a config of no model: {error}") from error


def check_tensors(own: Mapping[str, Facts], stored: Mapping[str, Facts], path: Path) -> None:
    """Raise unless a file holds the tensors of its model, by name, kind and shape."""
    if missing := own.keys() - stored:
        raise CheckpointError(f"{path} lacks tensor {min(missing)!r}, which its config requires.")
    if unknown := stored.keys() - own:
        raise CheckpointError(
            f"{path} has an unknown tensor {min(unknown)!r}, which its config does not mention."
        )
    for name, wanted in own.items():
        given = stored[name]
        if given.shape != wanted.shape or given.floating != wanted.floating:
            kind = "floating numbers" if wanted.floating else "integers"
            raise CheckpointError(
                f"{path}: tensor {name!r} is {given.dtype} of shape {given.shape}, but its config "
                f"asks for {kind} of shape {wanted.shape}."
            )


def check_expected(found: SequenceModel, expected: SequenceModel | None, path: Path) -> None:
    """Raise if other settings are expected, naming the first field in which they differ."""
    if expected is not None and (said := _difference(found, expected, "config")):
        raise CheckpointError(f"{path} holds another model than expected: {said}.")


def _difference(found: Any, expected: Any, where: str) -> str:
    """Describe the first field in which two configs differ; empty if they are equal."""
    if type(found) is type(expected) and dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            pair = getattr(found, field.name), getattr(expected, field.name)
            if said := _difference(*pair, f"{where}.{field.name}"):
                return said
        return ""
    return "" if found == expected else f"{where} is {found!r}, expected {expected!r}"


def _check_bounded(value: object, where: str, most: int) -> None:
    if isinstance(value, dict):
        for key, item in cast("dict[str, object]", value).items():
            _check_bounded(item, f"{where}.{key}", most)
    elif isinstance(value, int) and value > most:
        raise ValueError(f"{where} is {value}, too large for a file of {most} bytes.")
