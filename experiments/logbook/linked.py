"""Claims and their evidence as linked data: JSON-LD in the vocabulary of schema.org.

Every object of the graph stands on a line of its own, so that two logbooks can be compared line by
line. `experiments.logbook.schema.SCHEMA` describes the document for a validator.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from experiments.logbook.review import Review, Source
from experiments.record import encode

CONTEXT = {
    "@vocab": "https://schema.org/",
    "isBasedOn": {"@type": "@id"},
    "hasPart": {"@type": "@id"},
    "status": "urn:seqtheory:status",
    "commands": {"@id": "urn:seqtheory:commands", "@container": "@list"},
}
"""Terms are those of schema.org; two are ours: a study's own verdict, and commands in order."""
_NUMBERS = ("metrics.", "notes.")

Node = dict[str, Any]


def document(found: Sequence[Review], files: Iterable[str], version: str) -> str:
    """Write a logbook.

    Parameters
    ----------
    found
        The judged claims.
    files
        Names of the files of tables beside the logbook.
    version
        Version of the packages.
    """
    evidence = {each.id: each for held in found for each in held.evidence}
    nodes = [
        _root(found, files, version),
        *(_review(each) for each in found),
        *(_run(each) for each in evidence.values()),
    ]
    lines = ",\n".join(json.dumps(node, allow_nan=False) for node in nodes)
    return f'{{"@context": {json.dumps(CONTEXT)},\n"@graph": [\n{lines}\n]}}\n'


def _root(found: Sequence[Review], files: Iterable[str], version: str) -> Node:
    return {
        "@id": "#logbook",
        "@type": "Dataset",
        "name": "Claims about sequence models, judged by published records",
        "version": version,
        "license": "https://www.apache.org/licenses/LICENSE-2.0",
        "hasPart": [each.id for each in found],
        "distribution": [{"@type": "DataDownload", "contentUrl": name} for name in files],
    }


def _review(held: Review) -> Node:
    return {
        "@id": held.id,
        "@type": "ClaimReview",
        "about": held.study,
        "itemReviewed": {
            "@type": "Claim",
            "additionalType": held.kind,
            "name": held.name,
            "text": held.statement,
        },
        "reviewRating": {
            "@type": "Rating",
            "alternateName": held.outcome,
            "ratingExplanation": held.detail,
        },
        "reviewBody": held.reason,
        "status": held.status,
        "isBasedOn": [each.id for each in held.evidence],
        "commands": held.commands,
    }


def _run(source: Source) -> Node:
    record = source.record
    return {
        "@id": source.id,
        "@type": "Dataset",
        "name": record.study,
        "identifier": record.hash,
        "status": record.status,
        "isPartOf": source.archive,
        "subjectOf": {
            "@type": "SoftwareSourceCode",
            "text": source.command,
            "version": _commit(record.provenance),
        },
        "distribution": [
            {"@type": "DataDownload", "name": name, "sha256": digest}
            for name, digest in sorted(record.files.items())
        ],
        "variableMeasured": [
            {"@type": "PropertyValue", "name": name, "value": encode(value)}
            for name, value in source.facts.items()
            if name.startswith(_NUMBERS) and _is_number(value)
        ],
    }


def _commit(provenance: dict[str, Any]) -> str:
    git = provenance.get("git") or {}
    return str(git.get("commit") or "")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
