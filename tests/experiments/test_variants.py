"""Runs of one cell that differ in more than their seed become rows of their own in every study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import made_up
import pytest

import experiments.a5.minimum_depth as a5
import experiments.a5.representable_cells as representable
import experiments.lra.cells as lra
import experiments.memory.curves as memory
import experiments.memory.functions as functions
import experiments.memory.trained_curves as ladders
import experiments.stability.sweep as stability
import experiments.toy.kernel_measurement as kernel
import experiments.toy.measurement as toy
import experiments.toy.representable_cells as integrals
import experiments.toy.trained as trained
import experiments.tracking.cells as tracking
from experiments.a5 import claims as a5_claims
from experiments.a5 import representable_claims
from experiments.claim import Claim
from experiments.commands import contract
from experiments.commands.loader import Loader
from experiments.exit_code import ConfigError
from experiments.memory import claims as memory_claims
from experiments.memory import recurrent_models
from experiments.memory import trained_claims as ladder_claims
from experiments.overrides import select
from experiments.report.variants import require_one_setting, variants
from experiments.selection import Selection
from experiments.study import ROOT
from experiments.toy import claims as toy_claims
from experiments.toy import kernel_claims, structure_claims
from experiments.toy import representable_claims as integral_claims
from experiments.toy import trained_claims as toy_trained_claims
from experiments.tracking import claims as tracking_claims
from seqtheory.reparameterisation import Exp, Softplus

BATCH = {"training__batch_size": 7}
# Half of a study: its folder and preset, how its records are read as rows, a setting that no row
# shows, and the claims that need one value of it.
HALVES: dict[str, tuple[str, str, Callable[[Any], Any], dict[str, Any], Sequence[Claim]]] = {
    "a5.sequence_models": ("a5", "quick", a5.cells, BATCH, a5_claims.CLAIMS),
    "a5.linear_cde": ("a5", "quick", a5.cells, BATCH, a5_claims.CLAIMS),
    "a5.representable": (
        *("a5", "quick", representable.stacks),
        *({"num_words": 77}, representable_claims.CLAIMS),
    ),
    "lra.sequence_models": ("lra", "quick", lra.cells, {"data_seed": 77}, ()),
    "lra.s4_jax": ("lra", "quick", lra.cells, {"data_seed": 77}, ()),
    "stability.functionals": ("stability", "quick", stability.cells, BATCH, ()),
    "stability.images": ("stability", "quick", stability.cells, BATCH, ()),
    "tracking.sequence_models": (
        *("tracking", "quick", tracking.cells),
        *({"data_seed": 77}, tracking_claims.CLAIMS),
    ),
    "tracking.linear_cde": (
        *("tracking", "quick", tracking.cells),
        *(BATCH, tracking_claims.CLAIMS),
    ),
    "toy.linear_cde": ("toy", "paper", toy.measurements, {"ridge": 0.5}, toy_claims.CLAIMS),
    "toy.sequence_models": ("toy", "quick", trained.cells, BATCH, toy_trained_claims.CLAIMS),
    "toy.kernel_limit": (
        *("toy", "quick", kernel.limit_cells),
        *({"data_seed": 77}, kernel_claims.KERNEL_CLAIMS),
    ),
    "toy.representable": (
        *("toy", "quick", integrals.integral_rows),
        *({"task__num_paths": 77}, integral_claims.CLAIMS),
    ),
    "memory.theory": ("memory", "quick", memory.families, {"draws": 31}, memory_claims.CLAIMS),
    "memory.recurrent_models": (
        *("memory", "quick", ladders.ladders),
        *(BATCH, ladder_claims.CLAIMS),
    ),
    "memory.memory_functions": (
        *("memory", "quick", functions.memories),
        *(BATCH, functions.CLAIMS),
    ),
}


def published(study: str, preset: str, folder: Path) -> Loader:
    return Loader(ROOT / study, Selection(study=study, preset=preset, results=folder), quiet=True)


class Doubled:
    """Gives a study its published records and, of one half, copies with other settings."""

    def __init__(self, loader: Loader, half: str, settings: dict[str, Any]) -> None:
        self.loader, self.half, self.settings = loader, half, settings

    def __call__(self, preset: str | None, file: str | None = None) -> list[Any]:
        held = [*self.loader(preset, file)] if file else [*self.loader(preset)]
        more = [r for r in held if r.finished and r.study == self.half]
        return held + [made_up.changed(record, **self.settings) for record in more]


@pytest.fixture(params=HALVES)
def half(request: Any) -> Iterator[str]:
    return request.param


@pytest.fixture
def doubled(half: str, tmp_path: Path) -> Doubled:
    study, preset, _, settings, _ = HALVES[half]
    return Doubled(published(study, preset, tmp_path), half, settings)


def field(half: str) -> str:
    (name, value) = next(iter(HALVES[half][3].items()))
    return f"{name.replace('__', '.')} {value}"


def test_a_grid_of_two_settings_gives_twice_as_many_rows_with_as_many_seeds(half, doubled):
    _, preset, rows_of, _, _ = HALVES[half]
    both = [r for r in doubled(preset, half.partition(".")[2]) if r.finished]
    once = rows_of(both[: len(both) // 2])
    rows = rows_of(both)
    assert len(rows) == 2 * len(once)
    assert Counter(map(seeds, rows)) == Counter(
        {k: 2 * n for k, n in Counter(map(seeds, once)).items()}
    )
    assert sum(field(half) in repr(row) for row in rows) == len(once)


def seeds(row: Any) -> tuple[int, ...]:
    return tuple(record.run.seed for record in getattr(row, "records", ()))


def test_the_table_names_both_settings(half, doubled):
    study, preset, *_ = HALVES[half]
    text = contract.member(ROOT / study, "table", "table")(doubled, preset)
    assert field(half) in text
    assert field(half).rpartition(" ")[0] + " " in text.replace(field(half), "")  # the other one


def test_claims_that_need_one_setting_are_undecided_and_name_the_field(half, doubled):
    _, preset, _, _, claims = HALVES[half]
    found = doubled(preset, half.partition(".")[2])
    for claim in claims:
        verdict = claim.judge(found)
        assert verdict.status == "undecided"
        assert field(half) in verdict.detail
        assert "expected one value of each field; give one by --set or --only" in verdict.detail


def test_a_figure_draws_one_setting_or_names_the_field(half, doubled, tmp_path):
    study, preset, *_ = HALVES[half]
    draw = contract.member(ROOT / study, "figure", "draw")
    if study == "stability" or half == "toy.representable":
        assert draw(doubled, preset, tmp_path)  # a sweep with panels of its own, or in no figure
        return
    with pytest.raises(ConfigError, match=field(half).replace(".", r"\.")):
        draw(doubled, preset, tmp_path)


def test_structures_too_are_rows_of_their_own(tmp_path):
    load = Doubled(published("toy", "structures", tmp_path), "toy.linear_cde", {"data_seed": 77})
    text = contract.member(ROOT / "toy", "table", "table")(load, "structures")
    assert "| Walsh-Hadamard, data_seed 77 |" in text
    assert all(
        claim.judge(load("structures", "linear_cde")).status == "undecided"
        for claim in structure_claims.CLAIMS
    )


def test_seeds_alone_make_no_variant():
    def record(seed: int, **facts: Any) -> Any:
        return made_up.record(made_up.SimpleNamespace(seed=seed, model="lstm", **facts), [])

    alike = [record(0, rate=1.0), record(1, rate=1.0)]
    assert variants(alike, lambda r: r.run.model) == ["", ""]
    require_one_setting(alike, lambda r: r.run.model)
    mixed = [*alike, record(0, rate=2.0), record(0)]
    assert variants(mixed, lambda r: r.run.model) == ["rate 1", "rate 1", "rate 2", "rate None"]
    with pytest.raises(ConfigError, match=r"differ in more than their seed: rate 1; rate 2"):
        require_one_setting(mixed, lambda r: r.run.model)


def test_a_variant_is_named_as_only_takes_it():
    """A parameterisation is `parameterisation`, not the field `.type` that tells its class."""
    one = next(r for r in recurrent_models.runs("quick") if isinstance(r.parameterisation, Exp))
    runs = [one, replace(one, parameterisation=Softplus())]
    names = variants([made_up.record(run, []) for run in runs], lambda _: "a cell")
    assert names == ["parameterisation Exp", "parameterisation Softplus"]
    for name, run in zip(names, runs, strict=True):
        assert select(runs, [name.replace(" ", "=")]) == [run]
