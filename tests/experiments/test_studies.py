"""What holds of every study: its presets, and its claims where nothing was run."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from experiments import study as studies
from experiments.claim import Claim


def claims() -> list[Any]:
    """Every claim and finding of every study."""
    found: dict[str, Claim] = {}
    for path in sorted(studies.ROOT.glob("*/*.py")):
        if path.stem.endswith(("claims", "functions")):
            module = importlib.import_module(f"experiments.{path.parent.name}.{path.stem}")
            for name in ("CLAIMS", "KERNEL_CLAIMS", "FINDINGS"):
                held = getattr(module, name, ())
                found |= {f"{path.parent.name}.{path.stem} {claim.name}": claim for claim in held}
    return [pytest.param(claim, id=name) for name, claim in found.items()]


@pytest.mark.parametrize("name", studies.names())
def test_a_preset_that_a_study_has_not_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="preset 'hasty': expected one of smoke, quick"):
        studies.load(name).module.runs("hasty")


@pytest.mark.parametrize("claim", claims())
def test_no_claim_is_decided_without_records(claim: Claim) -> None:
    assert claim.judge([]).status == "not run"


def test_a_study_is_searched_for_once_however_many_records_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = studies.named("memory.theory")
    monkeypatch.setattr(studies, "_is_study", lambda path: pytest.fail(f"{path} is read again"))
    assert studies.named("memory.theory") is first
