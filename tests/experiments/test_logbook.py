"""Logbooks: verdicts, evidence and numbers are those of the records, whatever signs a name has."""

from __future__ import annotations

import csv
import io
import json
import math
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import made_up
import pytest

from experiments import study as studies
from experiments.__main__ import main
from experiments.claim import STATUSES, Claim, Judged, Verdict
from experiments.commands import results
from experiments.engine.job import install_hint
from experiments.exit_code import ConfigError
from experiments.fields import leaves
from experiments.frame import FACTS, Rows, columns, table, written
from experiments.logbook import build, linked
from experiments.logbook.build import CLAIMS, FORM, Logbook
from experiments.logbook.evidence import examined
from experiments.logbook.review import Review, Source, reviews
from experiments.logbook.schema import SCHEMA
from experiments.logbook.verdict import OUTCOMES, outcome
from experiments.record import NOT_FINITE, Record
from experiments.run import Run
from experiments.selection import Selection
from seqtheory.plain import described

HOSTILE = "<b>a, \"b\"</b>; '=1+1' | ``c``\r\nd\re\n&amp; {{ 7 }} \\ #/%20 \u202e é"
CHECK = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def book() -> Logbook:
    return build.read("toy")


@pytest.fixture(scope="module")
def files(book: Logbook) -> dict[str, bytes]:
    return book.files(["csv"])


@pytest.fixture(scope="module")
def graph(files: dict[str, bytes]) -> list[dict[str, Any]]:
    return json.loads(files[CLAIMS])["@graph"]


def of_kind(graph: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [node for node in graph if node["@type"] == kind and node["@id"] != "#logbook"]


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def numbers(facts: dict[str, Any], name: str) -> Iterator[tuple[str, float]]:
    for field, value in leaves(facts, name):
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield field, value


def opened(name: str, hash_: str) -> Record:
    return Record.open(studies.PUBLISHED / name / hash_)


def test_each_verdict_has_its_word() -> None:
    assert [outcome(status, "claim") for status in STATUSES] == list(OUTCOMES)
    assert [outcome(status, "finding") for status in STATUSES] == [
        "not yet tested",  # the records suggested it, so they cannot verify it
        "falsified",
        "inconclusive",
        "not yet tested",
    ]


def test_a_logbook_has_the_form_that_it_brings(files: dict[str, bytes]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(files[FORM]) == SCHEMA
    CHECK.validate(json.loads(files[CLAIMS]))


@pytest.mark.parametrize(
    "damage",
    [
        lambda review: review["reviewRating"].update(alternateName="pass"),
        lambda review: review.update(status="verified"),
        lambda review: review.pop("isBasedOn"),
        lambda review: review.update(commands=[]),
        lambda review: review["itemReviewed"].update(name=""),
        lambda review: review.update(rating=5),
    ],
)
def test_the_form_sees_what_is_wrong(files: dict[str, bytes], damage: Any) -> None:
    document = json.loads(files[CLAIMS])
    damage(document["@graph"][1])
    assert not CHECK.is_valid(document)


def test_every_name_of_a_logbook_stands_for_one_thing(graph: list[dict[str, Any]]) -> None:
    names = [node["@id"] for node in graph]
    assert len(set(names)) == len(names)
    assert graph[0]["hasPart"] == [node["@id"] for node in of_kind(graph, "ClaimReview")]
    cited = {name for node in of_kind(graph, "ClaimReview") for name in node["isBasedOn"]}
    assert cited == {node["@id"] for node in of_kind(graph, "Dataset")}


def test_verdicts_are_those_of_the_study(graph: list[dict[str, Any]]) -> None:
    judged = [
        (group.kind, claim.name, claim.statement, *vars(claim.judge(group.records)).values())
        for group in results.judged("toy", results.records_of("toy"))
        for claim in group.claims
    ]
    told = [
        (
            node["itemReviewed"]["additionalType"],
            node["itemReviewed"]["name"],
            node["itemReviewed"]["text"],
            node["status"],
            node["reviewRating"]["ratingExplanation"],
        )
        for node in of_kind(graph, "ClaimReview")
    ]
    assert told == judged
    for node in of_kind(graph, "ClaimReview"):
        assert bool(node["isBasedOn"]) == (node["status"] != "not run")
        assert bool(node["reviewBody"]) == (node["status"] == "fail")


def test_numbers_of_evidence_are_those_of_the_records(graph: list[dict[str, Any]]) -> None:
    for node in of_kind(graph, "Dataset"):
        held = opened(node["name"], node["identifier"])
        told = {each["name"]: each["value"] for each in node["variableMeasured"]}
        expected = [*numbers(held.metrics[-1], "metrics"), *numbers(held.notes, "notes")]
        assert {name: NOT_FINITE.get(value, value) for name, value in told.items()} == dict(
            expected
        )
        assert {each["name"]: each["sha256"] for each in node["distribution"]} == held.files
        assert node["subjectOf"]["version"] == held.provenance["git"]["commit"]
        assert (node["@id"], node["status"]) == (f"#run/{held.hash}", held.status)


def test_numbers_of_tables_are_those_of_the_records(book: Logbook, files: dict[str, bytes]) -> None:
    for name, sources in book.sources.items():
        rows = read(files[f"runs/{name}.csv"])
        assert [row["hash"] for row in rows] == [each.record.hash for each in sources]
        lines = read(files[f"logged/{name}.csv"])
        for row in rows:
            held = opened(name, row["hash"])
            expected = [
                *numbers({n: v for n, v in described(held.run).items() if n != "type"}, ""),
                *numbers(held.metrics[-1], "metrics"),
                *numbers(held.notes, "notes"),
                *numbers(held.provenance["hardware"], "provenance.hardware"),
            ]
            assert len(expected) > 8
            assert all(float(row[field]) == value for field, value in expected)
            assert row["provenance.git.commit"] == held.provenance["git"]["commit"]
            assert row["provenance.end"] == held.provenance["sessions"][-1]["end"]
            own = [line for line in lines if line["hash"] == held.hash]
            assert len(own) == len(held.metrics)
            for line, logged in zip(own, held.metrics, strict=True):
                assert all(float(line[field]) == value for field, value in numbers(logged, ""))


def test_commands_make_the_evidence_again(book: Logbook) -> None:
    for review in book.reviews:
        *makes, judges = map(shlex.split, review.commands)
        assert judges == ["python", "-m", "experiments", "table", "toy"]
        made = set()
        for said in makes:
            assert said[:4] == ["python", "-m", "experiments", "run"]
            study, preset = studies.load(said[4]), said[said.index("--preset") + 1]
            made |= {study.hash(run) for run in Selection(study=said[4], preset=preset).runs(study)}
        assert {each.record.hash for each in review.evidence} <= made
        assert all(each.command.startswith(each.preset) for each in review.evidence)


def test_evidence_is_what_a_judge_reads_the_results_of() -> None:
    held = [made_up.record(Run(seed=k), [{"step": 1, "rmse": k}], hash=f"{k}") for k in range(3)]

    def judge(records: Any) -> Verdict:
        first = next(each for each in records if each.run.seed == 1 and each.finished)
        return Verdict("pass", f"{first.metrics[-1]['rmse']}")

    def absent(records: Any) -> Verdict:
        return Verdict("not run", f"no {[each.metrics for each in records]}")

    assert examined(Claim("a", "b", judge), [*held, *held]) == (Verdict("pass", "1"), [held[1]])
    assert examined(Claim("a", "b", absent), held)[1] == []


def hostile() -> tuple[list[Review], list[Source]]:
    """A claim and a record all of whose texts are full of markup, commas and line ends."""
    facts = {"hash": "a" * 16, "files": {HOSTILE: "0" * 64}, "notes": {"said": HOSTILE, "n": 0.1}}
    lines = [{"step": 1, HOSTILE: math.nan, "mixed": 1}, {"step": 2, HOSTILE: 0.1, "mixed": "b"}]
    held = made_up.record(Run(seed=0), lines, study=HOSTILE, **facts)
    source = Source(held, f"{HOSTILE}/quick.tar.xz", f"run {HOSTILE}", table([held])[0])
    claim = Claim(HOSTILE, HOSTILE, lambda records: Verdict("fail", records[0].notes["said"]))
    told = [Claim("it", "is so", lambda records: Verdict("pass", str(records[0].notes["n"])))]
    groups = [Judged([claim], [held]), Judged(told, [held], "finding")]
    return reviews(HOSTILE, groups, {held.hash: source}), [source]


def test_names_full_of_markup_and_commas_survive() -> None:
    found, sources = hostile()
    book = Logbook(found, {HOSTILE: sources})
    files = book.files(["csv"])
    document = json.loads(files[CLAIMS])
    CHECK.validate(document)
    _, failed, finding, run = document["@graph"]
    assert failed["itemReviewed"]["name"] == failed["itemReviewed"]["text"] == HOSTILE
    assert failed["reviewRating"]["ratingExplanation"] == failed["about"] == HOSTILE
    assert finding["reviewRating"]["alternateName"] == "not yet tested"
    assert "cannot test" in finding["reviewBody"]
    assert not set(failed["@id"]) & set(" <>\"'\n\r|")
    assert run["variableMeasured"][1] == {
        "@type": "PropertyValue",
        "name": f"metrics.{HOSTILE}",
        "value": 0.1,
    }
    claims = read(files["claims.csv"])
    assert [row["name"] for row in claims] == [HOSTILE, "it"]
    assert json.loads(claims[0]["evidence"]) == ["a" * 16]
    (row,) = read(files[f"runs/{HOSTILE}.csv"])
    assert (row["study"], row["notes.said"]) == (HOSTILE, HOSTILE)
    first, second = read(files[f"logged/{HOSTILE}.csv"])
    assert math.isnan(float(first[HOSTILE]))
    assert float(second[HOSTILE]) == 0.1


def test_columns_have_one_type_each() -> None:
    rows = Rows(
        [
            {
                "a": 1,
                "b": 1,
                "c": True,
                "d": [1, math.inf],
                "e": None,
                "f": 2**70,
                "g": 2**62 + 1,
                "h": 0.5,
            },
            {"a": 2, "b": 0.5, "c": 0, "d": None, "e": None, "f": 1, "g": 0.5, "h": 2**2000},
        ]
    )
    assert columns(rows) == {
        "a": [1, 2],
        "b": [1.0, 0.5],
        "c": ["true", "0"],
        "d": ['[1, "Infinity"]', None],
        "e": [None, None],
        "f": [str(2**70), "1"],
        "g": [str(2**62 + 1), "0.5"],  # as a float it would be another number
        "h": ["0.5", str(2**2000)],
    }
    assert [type(value) for value in columns(rows)["b"]] == [float, float]
    assert columns([]) == {}


def test_a_missing_library_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = Rows([dict.fromkeys(FACTS, "a")])
    for library, extra in (("pandas", "pandas"), ("polars", "polars"), ("pyarrow", "parquet")):
        monkeypatch.setitem(__import__("sys").modules, library, None)
        with pytest.raises(ModuleNotFoundError, match=rf"{library} is needed .*--extra {extra}`"):
            written(rows, "parquet") if extra == "parquet" else rows.to_frame(library)  # type: ignore[arg-type]
        hint = install_hint(ModuleNotFoundError("no such module", name=library))
        assert hint.endswith(f"--extra {extra}`")
    with pytest.raises(ConfigError, match="got 'arrow', expected 'pandas' or 'polars'"):
        rows.to_frame("arrow")  # type: ignore[arg-type]


def test_the_command_writes_a_logbook(
    book: Logbook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["logbook", str(tmp_path / "book"), "--study", "toys"]) == 2
    assert not (tmp_path / "book").exists()
    monkeypatch.setattr(build, "read", {"toy": book}.__getitem__)
    assert main(["logbook", str(tmp_path / "book"), "--study", "toy"]) == 0
    paths = build.write(tmp_path / "book", "toy", parquet=False)
    assert {path.relative_to(tmp_path / "book").as_posix() for path in paths} == {
        *(CLAIMS, FORM, "claims.csv"),
        *(f"{part}/{name}.csv" for part in ("runs", "logged") for name in book.sources),
    }
    held = json.loads((tmp_path / "book" / CLAIMS).read_text(encoding="utf-8"))
    listed = [each["contentUrl"] for each in held["@graph"][0]["distribution"]]
    assert sorted(listed) == sorted(
        path.relative_to(tmp_path / "book").as_posix() for path in paths if path.suffix == ".csv"
    )
    assert held["@context"] == linked.CONTEXT
