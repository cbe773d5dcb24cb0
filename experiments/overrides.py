"""Which runs of a preset, and what is changed in them: ``--only``, ``--set`` and ``--seeds``.

==========================  =====================================================================
``--only model=s4,lru``     the runs whose field has one of these values; several options narrow
``--only task=Parity``      a nested dataclass by its class's name
``--set width=64``          one value, in every run
``--set width=64,128``      a comma makes a sweep: one run per value, and several options multiply
``--set task.length=50``    a dotted path reaches into a nested dataclass
==========================  =====================================================================

Values are read as `experiments.values` says. Runs are selected first; then all changes are made in
one step, so that fields which must agree can be changed together.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any, TypeVar

from experiments.exit_code import ConfigError
from experiments.study import unknown
from experiments.values import parse, split
from seqtheory.plain import described, field_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from experiments.run import Run

_MOST_RUNS = 100_000
AnyRun = TypeVar("AnyRun", bound="Run")
Option = tuple[str, list[str]]


class NoFieldError(ConfigError):
    """None of the runs has a field that was named."""


class NoMatchError(ConfigError):
    """None of the runs has a value that was asked for."""


def select(runs: Sequence[AnyRun], only: Sequence[str]) -> list[AnyRun]:
    """Keep the runs whose fields have the values asked for.

    Parameters
    ----------
    runs
        The runs of a preset.
    only
        ``field=value`` texts; see the head of this file. A run without the field is left out.

    Raises
    ------
    NoFieldError
        If no run has the field.
    NoMatchError
        If no run has the value; it says which values there are.
    """
    kept = list(runs)
    for name, texts in _options(only, "--only"):
        holding = [run for run in kept if _missing(run, name) is None]
        if kept and not holding:
            raise _clearest(_missing(run, name) for run in kept)
        try:
            chosen = [run for run in holding if _is_one_of(run, name, texts)]
        except ConfigError as error:  # a value that the field cannot have
            raise NoMatchError(f"--only {error}") from error
        if not chosen:
            values = dict.fromkeys(_said(_field(run, name)[0]) for run in holding)
            raise NoMatchError(
                f"--only {name}={','.join(texts)}: none of {len(holding)} runs has it; "
                f"they have {name} = {', '.join(values)}"
            )
        kept = chosen
    return kept


def override(
    runs: Sequence[AnyRun], settings: Sequence[str] = (), seeds: int | None = None
) -> list[AnyRun]:
    """Change fields of every run that has them, then give each as many seeds as asked for.

    Parameters
    ----------
    runs
        The runs of a preset.
    settings
        ``field=value`` texts; see the head of this file. A run that lacks one of the fields is left
        as it is; `lacking` counts these.
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
    NoFieldError
        If no run has the fields.
    ConfigError
        If a text cannot be applied, in one line that names the field, the value, what was expected
        and the nearest known name; or if there would be more than 100,000 runs.
    """
    options = _options(settings, "--set")
    _check_number(len(runs), [len(values) for _, values in options], seeds)
    made = list(runs)
    if options and runs:
        if lacking(runs, settings) == len(runs):
            raise _clearest(_refused(run, options) for run in runs)
        made = [new for run in runs for new in _changed(run, options)]
    if seeds is not None:
        made = _seeded(made, seeds)
    return list({repr(described(run)): run for run in made}.values())


def lacking(runs: Sequence[Run], settings: Sequence[str]) -> int:
    """Count the runs that lack a field of these settings, so that `override` leaves them alone."""
    options = _options(settings, "--set")
    return sum(_refused(run, options) is not None for run in runs) if options else 0


def _options(texts: Sequence[str], option: str) -> list[Option]:
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name:
            raise ConfigError(f"{option} {text}: expected field=value")
        if name in found:
            raise ConfigError(f"{option} {text}: {name} is given twice; a comma lists values")
        found[name] = split(value, text)
    return list(found.items())


def _check_number(runs: int, values: Sequence[int], seeds: int | None) -> None:
    asked = math.prod([runs, *values, max(seeds or 1, 1)])
    if asked > _MOST_RUNS:
        raise ConfigError(
            f"--set and --seeds make {asked:,} runs, expected at most {_MOST_RUNS:,}; ask for fewer"
        )


def _changed(run: AnyRun, options: Sequence[Option]) -> list[AnyRun]:
    return [run] if _refused(run, options) else list(_swept(run, options))


def _swept(run: Any, options: Sequence[Option]) -> Iterator[Any]:
    names = [name for name, _ in options]
    for values in itertools.product(*(values for _, values in options)):
        yield _replaced(run, dict(zip(names, values, strict=True)), "")


def _refused(run: Run, options: Sequence[Option]) -> NoFieldError | None:
    """Say which field a run lacks, where it lacks one."""
    try:
        _targets(run, {name: values[0] for name, values in options}, "")
    except NoFieldError as error:
        return error
    return None


def _replaced(owner: Any, texts: Mapping[str, str], prefix: str) -> Any:
    """Copy a dataclass with fields, perhaps deep inside, set from texts, all of them at once."""
    changes = {
        name: _replaced(value, inner, f"{prefix}{name}.") if inner else value
        for name, (value, inner) in _targets(owner, texts, prefix).items()
    }
    try:
        return dataclasses.replace(owner, **changes)
    except (ValueError, TypeError, ArithmeticError, LookupError, MemoryError) as error:
        said = " ".join(f"{prefix}{name}={text}" for name, text in texts.items())
        raise ConfigError(f"--set {said}: {error}") from error


def _targets(
    owner: Any, texts: Mapping[str, str], prefix: str
) -> dict[str, tuple[Any, dict[str, str]]]:
    """Give the new value of each field that texts name, and the texts that reach inside it."""
    hints = field_types(type(owner))
    found: dict[str, tuple[Any, dict[str, str]]] = {}
    for name in dict.fromkeys(text.partition(".")[0] for text in texts):
        whole = f"{prefix}{name}"
        inner = {key[len(name) + 1 :]: t for key, t in texts.items() if key.startswith(f"{name}.")}
        if name not in hints:
            full = f"{whole}.{next(iter(inner))}" if inner else whole
            raise _no_field(owner, full)
        value = parse(texts[name], hints[name], whole) if name in texts else getattr(owner, name)
        if inner and not dataclasses.is_dataclass(value):
            raise _no_field(value, f"{whole}.{next(iter(inner))}")
        if inner:
            _targets(value, inner, f"{whole}.")
        found[name] = (value, inner)
    return found


def _field(run: Run, name: str) -> tuple[Any, Any]:
    """Value of a field, perhaps deep inside, and its annotation."""
    value: Any = run
    annotation: Any = None
    for part in name.split("."):
        if not dataclasses.is_dataclass(value) or part not in field_types(type(value)):
            raise _no_field(value, name)
        value, annotation = getattr(value, part), field_types(type(value))[part]
    return value, annotation


def _missing(run: Run, name: str) -> NoFieldError | None:
    try:
        _field(run, name)
    except NoFieldError as error:
        return error
    return None


def _clearest(errors: Iterable[NoFieldError | None]) -> NoFieldError:
    """First of these errors, of those that guess what was meant if there is one."""
    found = [error for error in errors if error is not None]
    return next((error for error in found if "did you mean" in str(error)), found[0])


def _no_field(owner: Any, name: str) -> NoFieldError:
    if not dataclasses.is_dataclass(owner):
        return NoFieldError(f"{name}: its owner is {owner!r}, which has no fields")
    kind = type(owner)
    return NoFieldError(unknown("field", name, list(field_types(kind)), f" of {kind.__name__}"))


def _is_one_of(run: Run, name: str, texts: Sequence[str]) -> bool:
    value, annotation = _field(run, name)
    if dataclasses.is_dataclass(value):
        return type(value).__name__ in texts
    return any(value == parse(text, annotation, name) for text in texts)


def _said(value: Any) -> str:
    return type(value).__name__ if dataclasses.is_dataclass(value) else str(value)


def _seeded(runs: Sequence[AnyRun], seeds: int) -> list[AnyRun]:
    if seeds < 1:
        raise ConfigError(f"--seeds {seeds}: expected at least 1")
    groups: dict[str, list[AnyRun]] = {}
    for run in runs:
        key = repr(described(dataclasses.replace(run, seed=0)))
        groups.setdefault(key, []).append(run)
    return [
        dataclasses.replace(group[0], seed=min(run.seed for run in group) + k)
        for group in groups.values()
        for k in range(seeds)
    ]
