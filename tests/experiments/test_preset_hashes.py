"""Every preset's content hashes are frozen: whoever moves one raises the study's VERSION.

Where that was meant, a failing test prints the line that belongs into ``preset_hashes.json``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from experiments import study as studies

FROZEN = json.loads(Path(__file__).with_name("preset_hashes.json").read_text(encoding="utf-8"))
PRESETS = [
    (name, preset) for name in studies.names() for preset in studies.load(name).module.PRESETS
]


def summary(name: str, preset: str) -> str:
    """Number of runs and a digest over their content hashes, in order."""
    study = studies.load(name)
    hashes = [study.hash(run) for run in study.runs(preset)]
    assert len(set(hashes)) == len(hashes), "a run is listed twice"
    return f"{len(hashes)} {hashlib.sha256(' '.join(hashes).encode('ascii')).hexdigest()[:16]}"


@pytest.mark.parametrize(("name", "preset"), PRESETS)
def test_a_preset_keeps_its_hashes(name: str, preset: str) -> None:
    assert FROZEN.get(f"{name} {preset}") == summary(name, preset)


def test_no_preset_is_lost() -> None:
    assert set(FROZEN) == {f"{name} {preset}" for name, preset in PRESETS}
