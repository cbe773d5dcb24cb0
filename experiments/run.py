"""A run: one frozen description of an experiment, and the hash under which its record is kept."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from experiments.exit_code import ConfigError

__all__ = ["ConfigError", "Run", "canonical", "content_hash", "described", "field_types"]


@dataclass(frozen=True, kw_only=True)
class Run:
    """Base of every study's description of a run.

    Subclasses are frozen, keyword-only dataclasses whose fields are numbers, strings, tuples, None
    or further frozen dataclasses. They validate in ``__post_init__`` (calling
    ``super().__post_init__()``) by raising ``ValueError`` with *got, expected, do this*.

    Parameters
    ----------
    seed
        Seed of every random draw of the run; at least 0.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise ValueError(f"seed: got {self.seed!r}, expected an integer of at least 0")


def canonical(value: Any, annotation: Any = None) -> Any:
    """Plain JSON values that stand for `value`, the same in every process.

    A dataclass becomes its fields and its type's name under ``"type"``; a tuple becomes a list; an
    integer in a field annotated ``float`` becomes a float; minus zero becomes zero; an infinity
    ``{"float": "inf"}``.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _canonical_fields(value)
    if isinstance(value, (tuple, list)):
        return [canonical(item, _item_type(annotation)) for item in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and not _is_float(annotation):
        return int(value)
    if isinstance(value, (int, float)):
        return _canonical_float(float(value))
    raise TypeError(
        f"a run cannot hold {value!r} ({type(value).__name__}); "
        "expected numbers, strings, booleans, None, tuples and frozen dataclasses"
    )


def described(run: Run, study: str, version: int) -> dict[str, Any]:
    """Say what the hash covers, and what ``run.json`` holds: study, version and run."""
    return {"study": study, "version": version, "run": canonical(run)}


def content_hash(run: Run, study: str, version: int) -> str:
    """Sixteen hexadecimal digits of the SHA-256 over study, version and canonical run."""
    return digest(described(run, study, version))


def digest(description: dict[str, Any]) -> str:
    """Hash of what `described` returns; also of what was read back from ``run.json``."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


@functools.cache
def field_types(kind: type) -> Mapping[str, Any]:
    """Resolve the annotations of the fields that a dataclass takes at construction."""
    try:
        hints = typing.get_type_hints(kind)
    except NameError as error:
        raise ConfigError(
            f"the annotations of {kind.__name__} cannot be resolved: {error}; "
            "import that name outside TYPE_CHECKING"
        ) from error
    return types.MappingProxyType(
        {f.name: hints[f.name] for f in dataclasses.fields(kind) if f.init}
    )


def _canonical_fields(value: Any) -> dict[str, Any]:
    kind = type(value)
    if not kind.__dataclass_params__.frozen:
        raise TypeError(f"{kind.__name__} is not frozen; decorate it with @dataclass(frozen=True)")
    hints = field_types(kind)
    if "type" in hints:
        raise TypeError(
            f"{kind.__name__} has a field named 'type', which names the class; rename it"
        )
    fields = {name: canonical(getattr(value, name), hint) for name, hint in hints.items()}
    return {"type": kind.__name__, **fields}


def _canonical_float(value: float) -> Any:
    if math.isnan(value):
        raise ValueError("a run cannot hold NaN: it equals nothing, itself included")
    if math.isinf(value):
        return {"float": "inf" if value > 0 else "-inf"}
    return value + 0.0  # turns -0.0 into 0.0: equal runs have equal hashes


def options(annotation: Any) -> tuple[Any, ...]:
    """Members of a union; a plain annotation is its own only member."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _is_float(annotation: Any) -> bool:
    members = options(annotation)
    return float in members and int not in members


def _item_type(annotation: Any) -> Any:
    for member in options(annotation):
        arguments = typing.get_args(member)
        if typing.get_origin(member) is tuple and len({*arguments} - {Ellipsis}) == 1:
            return arguments[0]
    return None
