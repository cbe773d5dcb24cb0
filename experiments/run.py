"""A run: one frozen description of an experiment, and the hash under which its record is kept."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from experiments.exit_code import ConfigError
from seqtheory.checks import require_integer
from seqtheory.plain import described as canonical
from seqtheory.plain import field_types

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
        require_integer("seed", self.seed, minimum=0)

    def __getitem__(self, name: str) -> Any:
        """Plain value of a field; deprecated, for code from before records held typed runs."""
        warnings.warn(
            f"run[{name!r}] is deprecated: a record's run is a {type(self).__name__}, so write "
            f"run.{name}",
            DeprecationWarning,
            stacklevel=2,
        )
        return canonical(self)[name]


def described(run: Run, study: str, version: int) -> dict[str, Any]:
    """Describe a run by plain values: study, version and run, as in the hash and ``run.json``."""
    return {"study": study, "version": version, "run": canonical(run)}


def content_hash(run: Run, study: str, version: int) -> str:
    """Sixteen hexadecimal digits of the SHA-256 over study, version and canonical run."""
    return digest(described(run, study, version))


def digest(description: dict[str, Any]) -> str:
    """Hash of a description, made by `described` or read back from ``run.json``."""
    text = json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


AnyRun = TypeVar("AnyRun", bound=Run)


def of_preset(preset: str, makers: Mapping[str, Callable[[], list[AnyRun]]]) -> list[AnyRun]:
    """Make the runs of a preset.

    Parameters
    ----------
    preset
        Name of the preset.
    makers
        Function that makes the runs of each preset, by name.

    Raises
    ------
    ValueError
        If there is no such preset.
    """
    if preset not in makers:
        raise ValueError(f"preset {preset!r}: expected one of {', '.join(makers)}")
    return makers[preset]()
