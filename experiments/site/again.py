"""The command that makes one published run again."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from experiments.fields import leaves, option
from experiments.study import Study
from seqtheory.plain import described

Settings = Mapping[str, str]


def commands(study: Study, names: Collection[str], presets: Iterable[str]) -> dict[str, str]:
    """Give the commands of runs by their hashes; none of a run that no preset lists today.

    A command names the preset and as few of the run's fields as tell it from the preset's others.

    Parameters
    ----------
    study
        The study.
    names
        Hashes of the runs.
    presets
        Presets to look into first.
    """
    found: dict[str, str] = {}
    known = [name for name in presets if name in study.module.PRESETS]
    for preset in dict.fromkeys([*known, *study.module.PRESETS]):
        if len(found) == len(names):
            break
        runs = study.runs(preset)
        settings = telling([_settings(described(run)) for run in runs])
        for run, own in zip(runs, settings, strict=True):
            name = study.hash(run)
            if name in names and name not in found:
                found[name] = _command(study, preset, conditions(own, settings))
    return found


def telling(settings: Sequence[Settings]) -> list[Settings]:
    """Keep the fields that not all runs share."""
    names = {name for own in settings for name in own}
    kept = {name for name in names if len({own.get(name) for own in settings}) > 1}
    return [{name: said for name, said in own.items() if name in kept} for own in settings]


def conditions(own: Settings, others: Sequence[Settings]) -> list[tuple[str, str]]:
    """Choose fields and values that tell a run from others; few, and the telling ones first."""
    left, chosen = list(others), []
    while len(left) > 1:
        counts = {
            name: sum(other.get(name) == value for other in left) for name, value in own.items()
        }
        best = min(counts, key=lambda name: (counts[name], name.count("."), name), default="")
        if not best or counts[best] == len(left):
            break
        chosen.append((best, own[best]))
        left = [other for other in left if other.get(best) == own[best]]
    return sorted(chosen)


def _settings(plain: dict[str, Any]) -> dict[str, str]:
    """Fields that ``--only`` can name, as it writes their values."""
    found = {}
    for name, value in leaves(plain):
        if option(name) != name:
            found[option(name)] = str(value)
        elif name != "type" and (said := _said(value)):
            found[name] = said
    return found


def _said(value: Any) -> str:
    """Write a value as the command line reads it; empty for one that it cannot read back."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        said = [_said(item) for item in value]
        return f"({','.join(said)})" if said and all(said) else ""
    if isinstance(value, str):
        return value if value and not set(value) & set(",()\"'= ") else ""
    return ""


def _command(study: Study, preset: str, only: Sequence[tuple[str, str]]) -> str:
    options = [word for name, value in only for word in ("--only", f"{name}={value}")]
    words = ["python", "-m", "experiments", "run", study.name, "--preset", preset, *options]
    return shlex.join(words)
