"""Overrides from the command line: ``field=value``, typed by the run's own annotations.

========================  =======================================================================
``width=64``              one value
``width=64,128``          a comma makes a sweep: one run per value, and several overrides multiply
``task.length=50``        a dotted path reaches into a nested dataclass
``widths=(16,32)``        a tuple takes parentheses, and ``widths=(16,),(32,)`` is a sweep of two
``tag="a,b"``             quotes keep a comma
``limit=none``            where the annotation is optional
``kernel=Exponential``    a nested dataclass by its class's name, with that class's defaults
========================  =======================================================================
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing
from typing import TYPE_CHECKING, Any, Literal

from experiments.exit_code import ConfigError
from experiments.study import unknown
from seqtheory.plain import described, field_types, members

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from experiments.run import Run

_MOST_RUNS = 100_000


def override(
    runs: Sequence[Run], settings: Sequence[str] = (), seeds: int | None = None
) -> list[Run]:
    """Apply overrides to every run, then repeat each run for several seeds.

    Parameters
    ----------
    runs
        The runs of a preset.
    settings
        Texts such as ``width=64`` or ``lr=1e-3,3e-4``; the docstring of `experiments.overrides`
        lists all forms.
    seeds
        Number of seeds; None keeps the runs' own. Runs that differ only in their seed are replaced
        by runs with the seeds base, ..., base + seeds - 1, where base is the smallest seed among
        them.

    Returns
    -------
    list of Run
        Without repetitions, in order.

    Raises
    ------
    ConfigError
        If a text cannot be applied, in one line that names the field, the value, what was expected
        and the nearest known name; or if there would be more than 100,000 runs.
    """
    pairs = [_pair(text) for text in settings]
    _check_number(len(runs), [len(values) for _, values in pairs], seeds)
    made = [new for run in runs for new in _swept(run, pairs)]
    if seeds is not None:
        made = _seeded(made, seeds)
    return list({repr(described(run)): run for run in made}.values())


def _check_number(runs: int, values: Sequence[int], seeds: int | None) -> None:
    asked = math.prod([runs, *values, max(seeds or 1, 1)])
    if asked > _MOST_RUNS:
        raise ConfigError(
            f"--set and --seeds make {asked:,} runs, expected at most {_MOST_RUNS:,}; ask for fewer"
        )


def _pair(text: str) -> tuple[str, list[str]]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ConfigError(f"--set {text}: expected field=value")
    return name.strip(), _split(value, text)


def _swept(run: Run, pairs: Sequence[tuple[str, list[str]]]) -> Iterator[Run]:
    for values in itertools.product(*(values for _, values in pairs)):
        new = run
        for (name, _), value in zip(pairs, values, strict=True):
            new = _replaced(new, name.split("."), value, name)
        yield new


def _replaced(owner: Any, path: list[str], text: str, name: str) -> Any:
    """Copy a dataclass with one field, perhaps deep inside, set from text."""
    hints = field_types(type(owner))
    if path[0] not in hints:
        raise ConfigError(unknown("field", name, list(hints), f" of {type(owner).__name__}"))
    if len(path) == 1:
        value = parse(text, hints[path[0]], name)
    else:
        inner = getattr(owner, path[0])
        if not dataclasses.is_dataclass(inner):
            raise ConfigError(f"{name}: {path[0]} is {inner!r}, which has no fields")
        value = _replaced(inner, path[1:], text, name)
    try:
        return dataclasses.replace(owner, **{path[0]: value})
    except (ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        raise ConfigError(f"--set {name}={text}: {error}") from error


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
    items = [item for item in _split(text[1:-1], text) if item]
    if not kinds:
        raise ValueError("a field that the command line can set (this tuple names no item type)")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(items)
    if len(kinds) != len(items):
        raise ValueError(f"a tuple of {len(kinds)} items")
    return tuple(parse(item, kind, name) for item, kind in zip(items, kinds, strict=True))


def _split(text: str, whole: str) -> list[str]:
    """Split at commas outside parentheses and quotes."""
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


def _seeded(runs: Sequence[Run], seeds: int) -> list[Run]:
    if seeds < 1:
        raise ConfigError(f"--seeds {seeds}: expected at least 1")
    groups: dict[str, list[Run]] = {}
    for run in runs:
        key = repr(described(dataclasses.replace(run, seed=0)))
        groups.setdefault(key, []).append(run)
    return [
        dataclasses.replace(group[0], seed=min(run.seed for run in group) + k)
        for group in groups.values()
        for k in range(seeds)
    ]
