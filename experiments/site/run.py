"""The page of a run: its command, curves, what came out, settings, provenance, attestations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from experiments.fields import leaves
from experiments.record import Record
from experiments.report.attestation import Attestation
from experiments.site import checkpoint, curves, plot
from experiments.site.figure import MOST_POINTS
from experiments.site.published import Entry
from experiments.site.template import render
from experiments.site.words import number, plain, value

_LONGEST = 400
_DIGESTS = ("source", "origin", "lock_sha256")

Pairs = list[tuple[str, str]]


def page(
    entry: Entry,
    command: str,
    attested: Sequence[Attestation] = (),
    *,
    docs: bool = False,
    own: str = "",
    story: str | None = None,
    points: int = MOST_POINTS,
) -> str:
    """Write the page of a run.

    Parameters
    ----------
    entry
        The run.
    command
        The command that makes it; empty if no preset lists it.
    attested
        Its attestations.
    docs
        Whether the documentation stands beside the pages.
    own
        Results folder, of a report of one's own.
    story
        File of the page of its study; that of the study's folder if None.
    points
        Points of a curve from which on it is thinned.
    """
    record = entry.record
    seconds = record.provenance.get("wall_seconds")
    last = record.metrics[-1] if record.metrics else {}
    return render(
        "run.html",
        root="../",
        docs=docs,
        own=own,
        title=f"Run {record.hash[:8]} of {record.study}",
        kicker=f"A run of {record.study}",
        heading=f"Run {record.hash}",
        status=record.status,
        home=_home(record.study) if story is None else f"../studies/{story}.html",
        study=record.study,
        preset=entry.preset,
        seconds=number(float(seconds)) if seconds is not None else "",
        command=command,
        attestations=attested,
        curves=plot.drawn("logged numbers", curves.panels(record.metrics, record.notes, points)),
        divergence=_pairs(record.divergence),
        failure=_failure(record.failure),
        lines=len(record.metrics),
        results=[*_pairs(last), *_pairs(record.notes, "notes")],
        settings=_pairs(record.description["run"]),
        provenance=_provenance(record.provenance),
        files=sorted(record.files.items()),
    )


def _home(study: str) -> str:
    """Place of the page that a study's runs belong to."""
    of_checkpoints = study == checkpoint.STUDY
    return (
        f"../{checkpoint.LIST}" if of_checkpoints else f"../studies/{study.partition('.')[0]}.html"
    )


def _pairs(facts: Mapping[str, Any], name: str = "") -> Pairs:
    return [(plain(field), _text(held)) for field, held in leaves(dict(facts), name)]


def failed(held: Record) -> str:
    """Say why a run failed, as its record has it."""
    return f"{held.failure.get('type')}: {held.failure.get('message')}"


def _failure(facts: Mapping[str, Any]) -> dict[str, str]:
    """Give type, message and traceback of a failure, the last of them line by line."""
    told = (
        {name: str(facts.get(name, "")) for name in ("type", "message", "traceback")}
        if facts
        else {}
    )
    return {name: "\n".join(map(plain, text.splitlines())) for name, text in told.items()}


def _text(held: Any) -> str:
    """Write a value in full: numbers with all digits, long lists by their ends."""
    if isinstance(held, bool) or held is None:
        return value(held)
    if isinstance(held, int | float):
        return repr(held)
    if isinstance(held, str):
        return plain(held)
    if isinstance(held, list) and len(held) > 12 and not isinstance(held[0], list | dict):
        first, last = (", ".join(map(str, part)) for part in (held[:3], held[-3:]))
        return plain(f"{len(held)} values: {first}, …, {last}")
    text = plain(json.dumps(held, default=str))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} signs)"


def _provenance(facts: Mapping[str, Any]) -> Pairs:
    """Facts but for the digests of every file of code, of which the number is given."""
    told = _pairs({name: held for name, held in facts.items() if name not in _DIGESTS})
    lock = facts.get("lock_sha256")
    origin = facts.get("origin") or {}
    code = facts.get("source") or (origin.get("code") if isinstance(origin, dict) else None) or {}
    told += [("lock, SHA-256", plain(str(lock)))] if lock else []
    return [*told, ("source", f"{len(code)} files, each with its SHA-256 in provenance.json")]
