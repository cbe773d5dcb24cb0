"""The ``logbook`` command: a folder of claims as linked data, and of runs as tables."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from experiments import study as studies
from experiments.commands import results
from experiments.commands.output import say, tell
from experiments.exit_code import ConfigError
from experiments.frame import Format, Row, logged, table, written
from experiments.logbook import linked
from experiments.logbook.review import Review, Source, reviews
from experiments.logbook.schema import SCHEMA
from experiments.site import again, published
from experiments.site.published import Entry
from experiments.store import durable

CLAIMS = "claims.jsonld"
FORM = "schema.json"


@dataclass(frozen=True)
class Logbook:
    """Judged claims, and the published records by the dotted names of their studies."""

    reviews: Sequence[Review]
    sources: Mapping[str, Sequence[Source]]

    def tables(self) -> dict[str, Sequence[Row]]:
        """Tables by name: claims, runs of each study, and what each run logged; none is empty."""
        found: dict[str, Sequence[Row]] = {"claims": [each.row for each in self.reviews]}
        for name, runs in self.sources.items():
            found[f"runs/{name}"] = [each.row for each in runs]
            found[f"logged/{name}"] = logged(each.record for each in runs)
        return {name: rows for name, rows in found.items() if rows}

    def files(self, forms: Sequence[Format]) -> dict[str, bytes]:
        """Content of each file by its name, `CLAIMS` first."""
        tables = {
            f"{name}.{form}": written(rows, form)
            for name, rows in self.tables().items()
            for form in forms
        }
        text = linked.document(self.reviews, tables, version("seqtheory"))
        form = json.dumps(SCHEMA, indent=1) + "\n"
        return {CLAIMS: text.encode(), FORM: form.encode(), **tables}


def write(folder: Path, study: str | None = None, *, parquet: bool | None = None) -> list[Path]:
    """Write a logbook.

    Parameters
    ----------
    folder
        Folder to write to; files of an earlier logbook in it are replaced.
    study
        Folder of one study; all of this package if None.
    parquet
        Whether tables are written as Parquet beside CSV; where pyarrow is installed if None.

    Returns
    -------
    Paths of the files, `CLAIMS` first.

    Raises
    ------
    ConfigError
        If there is no such study, or there are no published records.
    ImportError
        If `parquet` is true and pyarrow is missing.
    """
    forms = _forms(parquet)
    held = read(study)
    paths = []
    for name, data in held.files(forms).items():
        paths.append(folder / name)
        durable.make_folder(paths[-1].parent)
        durable.write_bytes(paths[-1], data)
    runs = sum(map(len, held.sources.values()))
    say(f"{paths[0]}: {len(held.reviews)} claims, {runs} runs, {len(paths)} files")
    return paths


def read(study: str | None = None) -> Logbook:
    """Judge the claims of a study, or of all, by the published records.

    Raises
    ------
    ConfigError
        If there is no such study, or there are no published records.
    """
    known = results.study_folders()
    if study is not None and study not in known:
        raise ConfigError(studies.unknown("study", study, known))
    held = published.read([study] if study else ())
    sources = {name: _sources(name, entries) for name, entries in held.entries.items()}
    by_hash = {each.record.hash: each for runs in sources.values() for each in runs}
    found = [
        each
        for name in ([study] if study else known)
        for each in reviews(name, results.judged(name, results.records_of(name)), by_hash)
    ]
    return Logbook(found, sources)


def _sources(name: str, entries: Sequence[Entry]) -> list[Source]:
    """Give the records of a study file, each with the command that makes it again."""
    presets = dict.fromkeys(entry.preset for entry in entries)
    told = again.commands(studies.load(name), {entry.name for entry in entries}, presets)
    rows = table([entry.record for entry in entries], provenance=True)
    return [
        Source(entry.record, f"{name}/{entry.preset}.tar.xz", told.get(entry.name, ""), row)
        for entry, row in zip(entries, rows, strict=True)
    ]


def _forms(parquet: bool | None) -> tuple[Format, ...]:
    there = importlib.util.find_spec("pyarrow") is not None
    if parquet is None and not there:
        tell(
            "tables are CSV alone; for Parquet run `uv sync --package experiments --extra parquet`"
        )
    return ("csv", "parquet") if (there if parquet is None else parquet) else ("csv",)
