"""The form of a logbook's linked data, as a JSON Schema (draft 2020-12)."""

from __future__ import annotations

from typing import Any

from experiments.claim import STATUSES
from experiments.logbook.linked import CONTEXT
from experiments.logbook.verdict import OUTCOMES
from experiments.record import FINISHED

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_PLACE: Schema = {"type": "string", "pattern": "^#"}
_NUMBER: Schema = {
    "anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}],
    "description": "A number with all its digits; JSON has no word for those that are not finite.",
}


def _node(kind: str, said: str, **fields: Schema) -> Schema:
    """Describe an object of this type, which has these fields and no other."""
    return {
        "type": "object",
        "description": said,
        "properties": {"@type": {"const": kind}, **fields},
        "required": ["@type", *fields],
        "additionalProperties": False,
    }


def _list(items: Schema, said: str, **bounds: Any) -> Schema:
    return {"type": "array", "description": said, "items": items, **bounds}


_ROOT = _node(
    "Dataset",
    "The logbook itself.",
    **{"@id": {"const": "#logbook"}},
    name=_NAME,
    version=_NAME,
    license={"type": "string", "format": "uri"},
    hasPart=_list(_PLACE, "Names of all reviews.", uniqueItems=True),
    distribution=_list(
        _node("DataDownload", "A table beside the logbook.", contentUrl=_NAME),
        "The tables of claims, runs and logged lines.",
    ),
)
_REVIEW = _node(
    "ClaimReview",
    "A claim and what the published records say about it.",
    **{"@id": _PLACE},
    about={**_NAME, "description": "Folder of the study."},
    itemReviewed=_node(
        "Claim",
        "The claim.",
        additionalType={
            "enum": ["claim", "finding"],
            "description": "A finding was stated after its records were seen.",
        },
        name={**_NAME, "description": "Label, unique within its kind and study."},
        text={**_NAME, "description": "The statement."},
    ),
    reviewRating=_node(
        "Rating",
        "The verdict.",
        alternateName={"enum": list(OUTCOMES), "description": "The verdict in one word."},
        ratingExplanation={**_TEXT, "description": "The numbers behind the verdict."},
    ),
    reviewBody={
        **_TEXT,
        "description": "Why the records refute the claim, or cannot verify it; else empty.",
    },
    status={"enum": list(STATUSES), "description": "The study's own verdict."},
    isBasedOn=_list(
        _PLACE, "Evidence: names of the runs whose results were read.", uniqueItems=True
    ),
    commands=_list(
        _NAME, "What makes the evidence again, in order, and then judges it.", minItems=1
    ),
)
_RUN = _node(
    "Dataset",
    "A record of a run that is evidence of some claim.",
    **{"@id": {"type": "string", "pattern": "^#run/"}},
    name={**_NAME, "description": "Dotted name of the study."},
    identifier={
        "type": "string",
        "pattern": "^[0-9a-f]+$",
        "description": "The record's hash: that of study, version and settings.",
    },
    status={"enum": list(FINISHED), "description": "Whether the run ended or diverged."},
    isPartOf={**_NAME, "description": "Archive of the record below experiments/published."},
    subjectOf=_node(
        "SoftwareSourceCode",
        "What made the record.",
        text={
            **_TEXT,
            "description": "The command that makes it again; empty if no preset lists it today.",
        },
        version={**_TEXT, "description": "The commit that made it."},
    ),
    distribution=_list(
        _node(
            "DataDownload",
            "A sealed file of the record.",
            name=_NAME,
            sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"},
        ),
        "Every file of the record with its digest.",
        minItems=1,
    ),
    variableMeasured=_list(
        _node("PropertyValue", "A number.", name=_NAME, value=_NUMBER),
        "Numbers of the last logged line and of the notes; lists and earlier lines are in tables.",
    ),
)
SCHEMA: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Logbook",
    "type": "object",
    "properties": {
        "@context": {"const": CONTEXT},
        "@graph": {
            "type": "array",
            "prefixItems": [_ROOT],
            "items": {"oneOf": [_REVIEW, _RUN]},
            "minItems": 1,
        },
    },
    "required": ["@context", "@graph"],
    "additionalProperties": False,
}
"""Form of ``claims.jsonld``: the logbook, then its reviews, then the runs that are evidence."""
