"""Frozen dataclasses written as plain JSON values, and read back.

`described` turns a frozen dataclass into dictionaries, lists, numbers, strings, booleans and None;
`restored` turns these back, guided by the annotations of the fields. For every value that has a
plain form,

    restored(described(value), type(value)) == value,

so a run, a task or a model's settings can travel as JSON, be hashed, and be read back with their
types. A field made by `added` is left out of the description while it has its default, so a class
can gain an option without a change to the descriptions and hashes of older values.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, cast

__all__ = ["added", "described", "field_types", "members", "restored"]

_ABSENT = "absent_means"
_FLOATS = {"inf": math.inf, "-inf": -math.inf}
_PLAIN = (bool, int, float, str, type(None))


def added(default: Any, *, unsaid: Any = dataclasses.MISSING) -> Any:
    """Declare a field that was added to a class after values of the class had been stored.

    Parameters
    ----------
    default
        The field's default.
    unsaid
        Value that a description without the field stands for; `default` unless given. The field is
        left out of a description while it has this value.
    """
    meant = default if unsaid is dataclasses.MISSING else unsaid
    return dataclasses.field(default=default, metadata={_ABSENT: meant})


def described(value: Any, annotation: Any = None) -> Any:
    """Describe a value by plain JSON values, equal in every process.

    A dataclass becomes its fields and its type's name under ``"type"``; a tuple becomes a list; an
    integer in a field annotated ``float`` becomes a float; minus zero becomes zero; an infinity
    becomes ``{"float": "inf"}``.

    Raises
    ------
    TypeError
        If the value holds anything else, or a dataclass that is not frozen.
    ValueError
        If the value holds a NaN, which is not equal to itself, so that no description can restore
        it.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _described_fields(value)
    if isinstance(value, (tuple, list)):
        items = cast("tuple[Any, ...]", value)
        kinds = _items(annotation, len(items)) or [None] * len(items)
        return [described(item, kind) for item, kind in zip(items, kinds, strict=True)]
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and not _is_float(annotation):
        return int(value)
    if isinstance(value, (int, float)):
        return _described_float(float(value))
    raise TypeError(
        f"got {value!r} ({type(value).__name__}), which has no plain form; "
        "expected numbers, strings, booleans, None, tuples and frozen dataclasses"
    )


def restored(plain: Any, annotation: Any, where: str = "value") -> Any:
    """Rebuild the value that `described` was given.

    Parameters
    ----------
    plain
        What `described` returned, or JSON that came from it.
    annotation
        Type of the value: a class, a union, a literal, a tuple, or None for any plain value. A
        dataclass is found by its name among the annotation's members and their imported subclasses.
    where
        Name of the value, for messages.

    Raises
    ------
    ValueError
        If no value that the annotation allows has this description; the message names the field.
    """
    if isinstance(plain, dict):
        entries = cast("dict[str, Any]", plain)
        if entries.keys() == {"float"} and entries["float"] in _FLOATS:
            return _FLOATS[entries["float"]]
        return _restored_fields(entries, annotation, where)
    if isinstance(plain, list):
        return _restored_tuple(cast("list[Any]", plain), annotation, where)
    if isinstance(plain, int) and not isinstance(plain, bool) and _is_float(annotation):
        plain = float(plain)
    if annotation is not None and not any(_allows(kind, plain) for kind in members(annotation)):
        raise ValueError(f"{where}: got {plain!r}, expected {_spelt(annotation)}")
    return plain


@functools.cache
def field_types(kind: type) -> Mapping[str, Any]:
    """Resolve the annotations of the fields that a dataclass takes at construction.

    Raises
    ------
    ValueError
        If an annotation names something that its module imports only for type checking.
    """
    try:
        hints = typing.get_type_hints(kind)
    except NameError as error:
        raise ValueError(
            f"the annotations of {kind.__name__} cannot be resolved: {error}; "
            "import that name outside TYPE_CHECKING"
        ) from error
    return types.MappingProxyType({f.name: hints[f.name] for f in _fields(kind)})


def members(annotation: Any) -> tuple[Any, ...]:
    """Members of a union, or the annotation itself if it is no union."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _described_fields(value: Any) -> dict[str, Any]:
    kind = cast("Any", type(value))
    if not kind.__dataclass_params__.frozen:
        raise TypeError(f"{kind.__name__} is not frozen; decorate it with @dataclass(frozen=True)")
    hints = field_types(kind)
    if "type" in hints:
        raise TypeError(
            f"{kind.__name__} has a field named 'type', which names the class; rename it"
        )
    held = {f.name: getattr(value, f.name) for f in _fields(kind)}
    left_out = {f.name for f in _fields(kind) if _means_absent(f, held[f.name])}
    said = {name: described(held[name], hints[name]) for name in hints if name not in left_out}
    return {"type": kind.__name__, **said}


def _restored_fields(plain: dict[str, Any], annotation: Any, where: str) -> Any:
    kind = _named(plain.get("type"), annotation, where)
    hints, fields = field_types(kind), {f.name: f for f in _fields(kind)}
    given = {name: value for name, value in plain.items() if name != "type"}
    if unknown := sorted(given.keys() - hints.keys()):
        raise ValueError(f"{where} ({kind.__name__}) has no field {unknown[0]!r}")
    made = {name: restored(given[name], hints[name], f"{where}.{name}") for name in given}
    for name in fields.keys() - given.keys():
        if _ABSENT in fields[name].metadata:
            made[name] = fields[name].metadata[_ABSENT]
    try:
        return kind(**made)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where} ({kind.__name__}): {error}") from error


def _named(name: Any, annotation: Any, where: str) -> type:
    known = {kind for member in members(annotation) for kind in _family(member)}
    found = [kind for kind in known if kind.__name__ == name]
    # A class named by the annotation itself takes precedence over a subclass of that name.
    found = [kind for kind in found if kind in members(annotation)] or found
    if len(found) != 1:
        said = ", ".join(sorted(kind.__name__ for kind in known)) or "none"
        raise ValueError(
            f"{where} has type {name!r}, of which {len(found)} are imported (known here: {said}); "
            "import the one module that defines it"
        )
    return found[0]


def _family(kind: Any) -> set[type]:
    """List the dataclasses among a class and its imported subclasses."""
    if not isinstance(kind, type) or kind in _PLAIN:
        return set()
    heirs = kind.__subclasses__()
    own: set[type] = {kind} if dataclasses.is_dataclass(kind) else set()
    return own.union(*(_family(heir) for heir in heirs))


def _restored_tuple(plain: list[Any], annotation: Any, where: str) -> tuple[Any, ...]:
    if annotation is not None and not any(_is_tuple(kind) for kind in members(annotation)):
        raise ValueError(f"{where}: got a list of {len(plain)}, expected {_spelt(annotation)}")
    kinds = _items(annotation, len(plain))
    if kinds is None:
        raise ValueError(f"{where}: got {len(plain)} items, expected {_spelt(annotation)}")
    pairs = enumerate(zip(plain, kinds, strict=True))
    return tuple(restored(item, kind, f"{where}[{i}]") for i, (item, kind) in pairs)


def _items(annotation: Any, length: int) -> list[Any] | None:
    """List the annotations of `length` items; None if no allowed tuple has that length."""
    tuples = [typing.get_args(member) for member in members(annotation) if _is_tuple(member)]
    for kinds in tuples:
        if not kinds or kinds[-1] is Ellipsis:
            return list(kinds[:1] or [None]) * length
        if len(kinds) == length:
            return list(kinds)
    return None if tuples else [None] * length


def _is_tuple(kind: Any) -> bool:
    return kind is tuple or typing.get_origin(kind) is tuple


def _is_float(annotation: Any) -> bool:
    kinds = members(annotation)
    return float in kinds and int not in kinds


def _allows(kind: Any, plain: Any) -> bool:
    if kind is Any or kind is object:
        return True
    if typing.get_origin(kind) is Literal:
        return any(plain == c and type(plain) is type(c) for c in typing.get_args(kind))
    return kind in _PLAIN and type(plain) is kind


def _described_float(value: float) -> Any:
    if math.isnan(value):
        raise ValueError("got NaN, which equals nothing, itself included; expected a number")
    if math.isinf(value):
        return {"float": "inf" if value > 0 else "-inf"}
    return value + 0.0  # turns -0.0 into 0.0: equal values have one description


def _fields(kind: type) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(kind) if field.init]


def _means_absent(field: dataclasses.Field[Any], value: Any) -> bool:
    if _ABSENT not in field.metadata:
        return False
    meant = field.metadata[_ABSENT]
    return type(value) is type(meant) and value == meant


def _spelt(annotation: Any) -> str:
    return " or ".join(getattr(kind, "__name__", str(kind)) for kind in members(annotation))
