"""Values from text, parsed by the annotation of their field.

========================  =======================================================================
``64``, ``1e-3``, ``a``   a number or a text, whichever the field takes
``(16,32)``               a tuple takes parentheses
``"a,b"``                 quotes keep a comma
``none``                  where the annotation is optional
``Exponential``           a nested dataclass by its class's name, with that class's defaults
========================  =======================================================================
"""

from __future__ import annotations

import dataclasses
import math
import typing
from typing import Any, Literal

from experiments.exit_code import ConfigError
from seqtheory.plain import members


def parse(text: str, annotation: Any, name: str) -> Any:
    """Parse a value of the type that its annotation allows.

    Raises
    ------
    ConfigError
        If no allowed type fits; the message names the field, the text and what was expected.
    """
    errors = []
    for member in sorted(members(annotation), key=lambda kind: kind is str):
        try:
            return _parse_member(text, member, name)
        except ConfigError as error:
            raise error
        except (ValueError, TypeError) as error:
            errors.append(str(error))
    raise ConfigError(f"{name}: got {text!r}, expected {' or '.join(dict.fromkeys(errors))}")


def _parse_member(text: str, kind: Any, name: str) -> Any:
    if typing.get_origin(kind) is Literal:
        return _choice(text, {str(choice): choice for choice in typing.get_args(kind)})
    if typing.get_origin(kind) is tuple or kind is tuple:
        return _tuple(text, typing.get_args(kind), name)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _instance(text, kind)
    readers = {bool: _boolean, int: _integer, float: _number, str: _text, type(None): _none}
    if kind not in readers:
        raise ValueError(f"a field that the command line can set (this one is {kind})")
    return readers[kind](text)


def _choice(text: str, choices: dict[str, Any]) -> Any:
    if text not in choices:
        raise ValueError(f"one of {', '.join(choices)}")
    return choices[text]


def _instance(text: str, kind: type) -> Any:
    if text != kind.__name__:
        raise ValueError(f"{kind.__name__} (set its fields with a dotted name)")
    return kind()


def _boolean(text: str) -> bool:
    return _choice(text.lower(), {"true": True, "false": False})


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("an integer") from None


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number") from None
    if math.isnan(value):
        raise ValueError("a number")
    return value


def _text(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1] if quoted else text


def _none(text: str) -> None:
    if text.lower() != "none":
        raise ValueError("none")


def _tuple(text: str, kinds: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if not (text.startswith("(") and text.endswith(")")):
        raise ValueError("a tuple in parentheses, like (1,2)")
    items = [item for item in split(text[1:-1], text) if item]
    if not kinds:
        raise ValueError("a field that the command line can set (this tuple names no item type)")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(kinds) != len(items):
        raise ValueError(f"a tuple of {len(kinds)} items")
    return tuple(parse(item, kind, name) for item, kind in zip(items, kinds, strict=True))


def split(text: str, whole: str) -> list[str]:
    """Split at commas outside parentheses and quotes.

    Raises
    ------
    ConfigError
        If a parenthesis or a quote is not closed; the message quotes `whole`.
    """
    items, closing, start = [], [], 0
    for position, letter in enumerate(text):
        if closing and letter == closing[-1]:
            closing.pop()
        elif closing and closing[-1] in "\"'":
            continue
        elif letter in "\"'":
            closing.append(letter)
        elif letter == "(":
            closing.append(")")
        elif letter == "," and not closing:
            items.append(text[start:position])
            start = position + 1
    if closing:
        raise ConfigError(f"{whole}: {closing[-1]} is missing")
    return [item.strip() for item in [*items, text[start:]]]
