"""Enormous sizes given on the command line: a sentence with the field, and no other error."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import exit_code, overrides, study
from experiments.__main__ import main


def integers(settings: Any, above: str = "") -> Iterator[str]:
    """Names of all integers in settings, as `--set` takes them."""
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if type(value) is int:
            yield above + field.name
        elif dataclasses.is_dataclass(value):
            yield from integers(value, f"{above}{field.name}.")


def answer(run: Any, setting: str) -> str:
    """The setting itself where it is taken, else the sentence that refuses it."""
    try:
        overrides.override([run], [setting])
    except exit_code.ConfigError as error:
        return str(error)
    return setting


@pytest.mark.parametrize("name", study.names())
def test_every_integer_of_a_run_is_taken_or_refused_by_name(name):
    found = study.load(name)
    for preset in found.module.PRESETS:
        kinds = {
            repr([type(part) for part in vars(run).values()]): run for run in found.runs(preset)
        }
        for run in kinds.values():
            for field in integers(run):
                for size in (10**8, 10**20):
                    assert field.rsplit(".", 1)[-1] in answer(run, f"{field}={size}")


@pytest.mark.needs_jax
def test_a_task_of_so_many_channels_fails_with_the_bytes_it_needs(tmp_path: Path, capfd):
    setting = f"task.channels={10**20}"
    command = ["run", "toy.linear_cde", "--preset", "smoke", "--set", setting]
    assert main([*command, "--results", str(tmp_path)]) == exit_code.FAILED
    told = "".join(capfd.readouterr())
    assert f"channels={10**20:,} needs about" in told
    assert "this machine has" in told
