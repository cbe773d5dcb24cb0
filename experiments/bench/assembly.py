"""From records to a card."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from experiments import record
from experiments.bench import measurements
from experiments.bench.cards import Card, Measurement
from experiments.bench.parts import PARTS
from experiments.bench.parts import part as parts
from experiments.bench.request import Request, Subject
from experiments.commands.output import tell
from experiments.record import Record
from experiments.report.rows import grouped
from experiments.store import provenance
from experiments.study import PUBLISHED, Study


def records_of(study: Study, request: Request, subject: Subject, part: str) -> list[Record]:
    """Find records of a part; of costs, those of this machine alone."""
    runs = measurements.of_part(subject.runs, part)
    folders = (request.folder,) if part == "cost" else (request.folder, PUBLISHED)
    found = record.find(study.name, study.version, runs, folders)
    return [held for held in found if held.finished]


def assembled(
    study: Study, request: Request, subjects: Sequence[Subject], left_out: dict[str, str]
) -> Card:
    """Turn the records of all columns of a card into the card.

    Parameters
    ----------
    study
        The bench's runs.
    request
        What was asked for.
    subjects
        The model, then what stands beside it; what has no records is left out and said so.
    left_out
        Parts that were not measured, and why.
    """
    found: list[Measurement] = []
    for part in request.parts:
        for subject in subjects:
            records = records_of(study, request, subject, part)
            made = PARTS[part].measured(records) if records else []
            found += [replace(m, model=subject.name) for m in made]
    held = {m.model for m in found}
    first, *others = subjects
    missing = [subject.name for subject in others if subject.name not in held]
    if missing:
        tell(
            f"no records of {', '.join(missing)} at this size: they are left out; --against names "
            "those that are to be run"
        )
    found += [_absent(first.name, part, why) for part, why in left_out.items()]
    return Card(
        model=first.name,
        preset=request.preset,
        width=request.channels,
        depth=request.depth,
        match=request.match,
        baselines=tuple(subject.name for subject in others if subject.name in held),
        measurements=tuple(sorted(found, key=lambda m: list(PARTS).index(m.part))),
        facts=_facts(study, request),
    )


def side_by_side(records: Sequence[Record], preset: str | None) -> Card:
    """Lay the measurements of all models with records of a preset side by side."""
    models = grouped((held for held in records if held.finished), lambda held: parts.name(held.run))
    measured: list[Measurement] = []
    for part, kind in PARTS.items():
        for model, held in models.items():
            own = [record for record in held if record.run.part_name == part]
            measured += [replace(m, model=model) for m in (kind.measured(own) if own else [])]
    first, *others = models
    run = records[0].run
    return Card(
        model=first,
        preset=preset or measurements.DEFAULT_PRESET,
        width=run.width,
        depth=run.depth,
        baselines=tuple(others),
        measurements=tuple(measured),
    )


def _absent(model: str, part: str, why: str) -> Measurement:
    return Measurement(
        part=part, item="all", metric="not measured", model=model, value=None, note=why
    )


def _facts(study: Study, request: Request) -> tuple[tuple[str, str], ...]:
    facts = provenance.collect()
    hardware = facts["hardware"]
    options = "".join(
        f" --{name} {value}"
        for name, value, default in (
            ("preset", request.preset, "quick"),
            ("match", request.match, "width"),
            ("width", request.width, None),
            ("depth", request.depth, 1),
        )
        if value != default
    )
    return (
        ("command", f"python -m experiments bench {_shown(request.model)}{options}"),
        ("seeds", str(measurements.SEEDS[request.preset])),
        ("commit", str(facts["git"]["commit"])[:12]),
        ("python", f"{sys.version_info.major}.{sys.version_info.minor}"),
        ("torch", str(facts["packages"].get("torch", "none"))),
        ("processor", f"{hardware['cpu']}, {hardware['cores']} cores, one thread a run"),
        ("version of the bench", str(study.version)),
        ("date", datetime.now(UTC).date().isoformat()),
    )


def _shown(model: str) -> str:
    """Name the model as the command did, without the folders of this machine."""
    file, colon, name = model.rpartition(":")
    return f"{Path(file).name}:{name}" if colon else model


def folder_name(model: str) -> str:
    """Name the folder of a model's card."""
    kept = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in model)
    return kept.strip("._") or "model"
