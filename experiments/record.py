"""Records: what one run left on disk, read back and checked.

::

    <results>/<study>/<hash>/
        run.json            study, version and run: what the hash covers
        provenance.json     commit, versions, hardware, times
        metrics.jsonl       one line per log
        notes.json          facts that the study wrote down
        *.safetensors       final tensors
        diverged.json       where and why, if the run diverged
        failed.json         the traceback, if it failed
        checkpoints/        while unfinished
        DONE                written last: the status and a SHA-256 per file

Finished records may lie in an archive instead, as published ones do: see `experiments.store.shelf`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.run import Run, content_hash, digest
from experiments.store import checkpoint, shelf, source, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    from experiments.store.shelf import Shelf
    from experiments.store.source import Origin

DONE = "done"
DIVERGED = "diverged"
UNFINISHED = "unfinished"
FAILED = "failed"
FINISHED = (DONE, DIVERGED)
PARTS = ("description", "notes", "metrics", "provenance", "divergence", "failure")

NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class CorruptRecordError(ValueError):
    """A finished record no longer matches its own digests."""

    exit_code = 4


@dataclass(frozen=True)
class Record:
    """One run's record, opened with `Record.open`.

    Parameters
    ----------
    path
        The record's address, ``<results>/<study>/<hash>``.
    shelf
        Where its files lie: in that folder, or in an archive.
    status
        ``done``, ``diverged``, ``unfinished`` or ``failed``.
    files
        SHA-256 of each file of a finished record; empty otherwise.
    known
        The run that the record is of, where it was looked for by its run.
    """

    path: Path
    shelf: Shelf
    status: str
    files: dict[str, str]
    known: Run | None = None

    @classmethod
    def open(cls, path: Path, known: Run | None = None) -> Record:
        """Open a record and, if it is finished, check every file against its digest.

        Raises
        ------
        FileNotFoundError
            If there is no such folder, and no archive beside it that holds the record.
        CorruptRecordError
            If a finished record or its archive was changed, or anything in it is a link.
        ReadError
            If the system refuses to read it, which says nothing about the record.
        """
        try:
            found = shelf.at(path)
            sealed = stored.parse_json(found.read("DONE", stored.JSON_LIMIT), found.place("DONE"))
        except stored.RejectedFileError as error:
            raise CorruptRecordError(str(error)) from error
        except FileNotFoundError:
            if not stored.is_folder(path):
                raise
            status = FAILED if (path / "failed.json").is_file() else UNFINISHED
            return cls(path, shelf.Folder(path), status, {}, known)
        return cls(path, found, *_verified(path, found, sealed), known)

    @property
    def hash(self) -> str:
        """The content hash, which is also the folder's name."""
        return self.path.name

    @property
    def finished(self) -> bool:
        """Whether the run ended, well or by diverging."""
        return self.status in FINISHED

    @cached_property
    def description(self) -> dict[str, Any]:
        """Content of ``run.json``: study, version, run."""
        found = self._read_json("run.json")
        for name, kind in (("study", str), ("version", int), ("run", dict)):
            if not isinstance(found.get(name), kind):
                place = self.shelf.place("run.json")
                raise stored.RejectedFileError(f"{place}: {name} missing or of a wrong type")
        return found

    @property
    def study(self) -> str:
        """Name of the study."""
        return self.description["study"]

    @cached_property
    def run(self) -> Any:
        """The run, of its study's own class.

        Raises
        ------
        ConfigError
            If the record's study is no study of this package and the record was not found by its
            run, or if another version of the study made it; ``description["run"]`` holds the plain
            values all the same.
        """
        return self.known or studies.load(self.study).heard(self.description["run"])

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Logged lines in order, each with its ``step``; a torn last line is left out."""
        try:
            data = self._read("metrics.jsonl", stored.LOG_LIMIT)
        except FileNotFoundError:
            data = b""
        return parse_metrics(data, self.shelf.place("metrics.jsonl"))

    @cached_property
    def notes(self) -> dict[str, Any]:
        """Facts that the study noted."""
        return self._json("notes.json")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Commit, versions, hardware and times."""
        return self._json("provenance.json")

    @property
    def origin(self) -> Origin | None:
        """What the record, or its newest checkpoint if unfinished, was made from.

        Code, environment and data as `experiments.store.source` digests them; None in a record
        whose digests are of an older form.
        """
        newest = None if self.finished else checkpoint.newest_origin(self.path / "checkpoints")
        held = newest or self.provenance.get("origin")
        return held if source.is_origin(held) else None

    @cached_property
    def divergence(self) -> dict[str, Any]:
        """Step and reason of a divergence; empty for other records."""
        return self._json("diverged.json")

    @cached_property
    def failure(self) -> dict[str, Any]:
        """Type, message and traceback of a failure; empty for other records."""
        return self._json("failed.json")

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """Arrays that the study saved under `name`."""
        file = f"{stored.checked_name(name)}.safetensors"
        try:
            data = self._read(file, stored.TENSOR_LIMIT)
        except FileNotFoundError:
            ending = ".safetensors"
            held = [n.removesuffix(ending) for n in self.shelf.names() if n.endswith(ending)]
            raise FileNotFoundError(
                f"{self.path} holds no tensors {name!r}; it holds {held}"
            ) from None
        return stored.parse_tensors(data, self.shelf.place(file))

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return decode(self._read_json(name))
        except FileNotFoundError:
            return {}

    def _read_json(self, name: str) -> dict[str, Any]:
        return stored.parse_json(self._read(name, stored.JSON_LIMIT), self.shelf.place(name))

    def _read(self, name: str, limit: int) -> bytes:
        """Content of a file; of a finished record, only of those that its seal covers."""
        if self.finished and name not in self.files:
            raise FileNotFoundError(f"{self.shelf.place(name)}: not among the sealed files")
        return self.shelf.read(name, limit)


def find(study: str, version: int, runs: Iterable[Run], folders: Sequence[Path]) -> list[Record]:
    """Find the records of these runs, in their order; runs without a record are left out.

    Parameters
    ----------
    study, version
        Name and version of the study.
    runs
        The runs to look for.
    folders
        Results folders, in order of preference: of each run the first finished record is taken,
        else the first of any status.

    Raises
    ------
    CorruptRecordError
        If a finished record was changed.
    """
    found = []
    for run in runs:
        name = content_hash(run, study, version)
        places = (folder / study / name for folder in folders)
        records = [held for place in places if (held := _there(place, run))]
        records.sort(key=lambda record: not record.finished)
        found.extend(records[:1])
    return found


def located(name: str, results: Path) -> Path:
    """Address of a record, given that, or its hash or the beginning of that.

    Parameters
    ----------
    name
        With a slash it is the address itself.
    results
        Where to look for a hash, besides the published records.

    Raises
    ------
    ConfigError
        If no hash begins so, or more than one does.
    """
    if "/" in name or "\\" in name:
        return Path(name)
    folders = [f for place in (results, studies.PUBLISHED) for f in shelf.study_folders(place)]
    found = [path for f in folders for path in shelf.records(f) if path.name.startswith(name)]
    if not found:
        raise ConfigError(f"no record whose hash begins with {name!r} in {studies.places(results)}")
    if len({path.name for path in found}) > 1:
        names = ", ".join(path.name for path in found[:5])
        raise ConfigError(f"{name!r} is the beginning of several hashes: {names}; give more digits")
    return found[0]


def _there(path: Path, run: Run) -> Record | None:
    try:
        return Record.open(path, run)
    except FileNotFoundError:
        return None


def parse_metrics(data: bytes, path: Path | str) -> list[dict[str, Any]]:
    """Parse a metrics file; what follows the last newline was torn by a kill and is dropped."""
    whole = data[: data.rfind(b"\n") + 1]
    lines = []
    for number, line in enumerate(whole.splitlines(), start=1):
        value = stored.parse_json(line, f"{path}:{number}")
        if not isinstance(value.get("step"), int):
            raise stored.RejectedFileError(f"{path}:{number}: expected a step, an integer")
        lines.append(decode(value))
    return lines


def encode(value: Any) -> Any:
    """Turn what a study logs or notes into plain JSON; non-finite floats become words.

    A text that is one of these words is told from the number by a backslash in front of it.
    """
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if hasattr(
        value, "tolist"
    ):  # NumPy, JAX and torch scalars and arrays, without importing any of them
        return encode(value.tolist())
    if isinstance(value, float) and value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str) and value.lstrip("\\") in NOT_FINITE:
        return "\\" + value
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"cannot record {value!r} ({type(value).__name__}); "
        "expected numbers, strings, lists or dictionaries"
    )


def decode(value: Any) -> Any:
    """Inverse of `encode`."""
    if isinstance(value, dict):
        return {key: decode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, str) and value.lstrip("\\") in NOT_FINITE:
        return value[1:] if value.startswith("\\") else NOT_FINITE[value]
    return value


def _verified(path: Path, held: Shelf, sealed: dict[str, Any]) -> tuple[str, dict[str, str]]:
    status, files = sealed.get("status"), sealed.get("files")
    if status not in FINISHED or not isinstance(files, dict) or "run.json" not in files:
        raise CorruptRecordError(f"{held.place('DONE')}: expected a status and a SHA-256 per file")
    for name, expected in files.items():
        try:
            data = held.read(stored.checked_name(name), stored.TENSOR_LIMIT)
        except (FileNotFoundError, ValueError) as error:
            raise CorruptRecordError(f"{path}: {error}") from error
        if stored.sha256(data) != expected:
            raise CorruptRecordError(
                f"{held.place(name)} does not match the SHA-256 in DONE: "
                "it was changed after the run"
            )
        if name == "run.json" and _described_by(data, held.place(name)) != path.name:
            raise CorruptRecordError(
                f"{held.place(name)} describes another run than the record's name says"
            )
    return status, files


def _described_by(data: bytes, place: str) -> str:
    try:
        return digest(stored.parse_json(data, place))
    except ValueError as error:  # no JSON, or a number that no run can hold
        raise CorruptRecordError(f"{place}: {error}") from error
