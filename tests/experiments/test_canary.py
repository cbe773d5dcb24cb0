"""Canaries: the numerics of every study that this environment can run, and what is said of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from experiments import study as studies
from experiments.commands import canary
from experiments.commands.canary import Finding
from experiments.report.comparison import compare
from experiments.store import provenance

FAMILY = provenance.processor_family()


def of_jax(name: str) -> bool:
    return name.endswith((".linear_cde", ".kernel_limit", ".s4_jax"))


@pytest.mark.parametrize(
    "jax",
    [
        pytest.param(True, marks=pytest.mark.needs_jax, id="jax"),
        pytest.param(False, marks=pytest.mark.needs_torch, id="torch"),
    ],
)
def test_numerics_are_unchanged(jax: bool):
    """Within 1e-6 of the numbers on file; another version of a library may move them too."""
    held = json.loads(canary.FILE.read_text(encoding="utf-8"))
    known = sorted({family for families in held.values() for family in families})
    if FAMILY not in known:
        pytest.skip(
            f"no numbers of processors {FAMILY!r} are on file, of {known} alone: "
            "python -m experiments canary --write adds them"
        )
    found = canary.findings(names=[name for name in studies.names() if of_jax(name) == jax])
    assert [each.told() for each in found if each.changed] == []


def finding(before: dict[str, float], after: dict[str, float]) -> Finding:
    return Finding("toy.x", after, since="abcdef01", comparison=compare(before, after))


@pytest.mark.parametrize(
    ("found", "changed", "said"),
    [
        (finding({"loss": 1.0}, {"loss": 1.0 + 1e-9}), False, "unchanged since abcdef01 (1 num"),
        (finding({"loss": 1.0}, {"loss": 1.1}), True, "since abcdef01 changed by up to 0.09"),
        (finding({"loss": 1.0}, {"rmse": 1.0}), True, "changed: there is no loss any more; if"),
        (Finding("toy.x", {}, "could not be run: torch is missing"), False, "torch is missing"),
        (Finding("toy.x", {}, "could not be run: an error", failed=True), True, "an error"),
    ],
)
def test_a_finding_says_what_changed_and_what_to_do(found, changed, said):
    assert found.changed == changed
    assert said in found.told()
    assert ("CHANGELOG" in found.told()) == (changed and not found.failed)


def test_numbers_are_written_once_and_again_only_when_they_changed(tmp_path: Path, capsys):
    file, names = tmp_path / "canaries.json", ["memory.theory"]
    (found,) = canary.findings(file, names)
    assert "no numbers of processors" in found.told()
    assert not found.changed
    canary.save(file, [found])
    (again,) = canary.findings(file, names)
    assert (again.comparison.compared, again.changed) == (len(found.numbers), False)
    content = file.read_bytes()
    canary.save(file, [dataclasses.replace(again, since="other")])
    assert file.read_bytes() == content
    moved = {name: value + 1.0 for name, value in found.numbers.items()}
    changed = dataclasses.replace(again, numbers=moved, comparison=compare(found.numbers, moved))
    canary.save(file, [changed])
    (last,) = canary.findings(file, names)
    assert last.changed
    assert len(found.numbers) <= 12
