"""Records: the files of one run, read back and checked.

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

import functools
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import study as studies
from experiments.exit_code import ConfigError
from experiments.run import Run, content_hash, digest
from experiments.store import checkpoint, durable, shelf, source, stored

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


UNREADABLE = (CorruptRecordError, stored.RejectedFileError, stored.ReadError, FileNotFoundError)
"""What reading a record may raise: it is damaged, cannot be read, or has just gone."""


@dataclass(frozen=True)
class Record:
    """One run's record, opened with `Record.open`.

    Parameters
    ----------
    path
        The record's address, ``<results>/<study>/<hash>``.
    shelf
        Access to the record's files, in that folder or in an archive.
    status
        ``done``, ``diverged``, ``unfinished`` or ``failed``.
    files
        SHA-256 of each file of a finished record; empty otherwise.
    known
        The record's run, if the record was found by it.
    """

    path: Path
    shelf: Shelf
    status: str
    files: dict[str, str]
    known: Run | None = None

    @classmethod
    def open(cls, path: Path | str, known: Run | None = None) -> Record:
        """Open a record and, if it is finished, check every file against its digest.

        Parameters
        ----------
        path
            Its address, or a text: the address, or the beginning of a hash that is looked for in
            the folder ``results`` and among the published records.
        known
            The run that it is of, where that is known.

        Raises
        ------
        FileNotFoundError
            If there is neither the folder nor an archive beside it that holds the record.
        CorruptRecordError
            If a finished record or its archive was changed, or contains a link.
        ReadError
            If the system refuses to read it; the record itself may be intact.
        """
        path = located(path, Path("results")) if isinstance(path, str) else path
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
        """Whether the run ended: its status is ``done`` or ``diverged``."""
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
        """The run, an instance of its study's own class.

        Raises
        ------
        ConfigError
            If the study does not belong to this package and the record was not found by its run, or
            if another version of the study made the record. ``description["run"]`` holds the plain
            values in every case.
        """
        return self.known or studies.named(self.study).heard(self.description["run"])

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Logged lines in order, each with its ``step``; an incomplete last line is left out."""
        try:
            data = self._read("metrics.jsonl", stored.LOG_LIMIT)
        except FileNotFoundError:
            data = b""
        return parse_metrics(data, self.shelf.place("metrics.jsonl"))

    @cached_property
    def notes(self) -> dict[str, Any]:
        """Facts that the study stored with `Recorder.note`."""
        return self._json("notes.json")

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Commit, versions, hardware and times."""
        return self._json("provenance.json")

    @property
    def processor_minutes(self) -> float | None:
        """Processor time of the run; None in records that do not say it."""
        seconds = self.provenance.get("processor_seconds")
        return None if seconds is None else seconds / 60

    @property
    def origin(self) -> Origin | None:
        """Digests of what the record, or the newest checkpoint of an unfinished one, was made from.

        They cover code, environment and data, as in `experiments.store.source`. None if the
        record's digests are of an older form.
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

    def file(self, name: str) -> Path:
        """Path of a file of the record, such as ``model.safetensors``.

        Returns
        -------
        Path
            The file itself; of a record in an archive a copy, in a temporary folder that is removed
            when this process ends.

        Raises
        ------
        FileNotFoundError
            If the record has no such file; the message names those that it has.
        """
        try:
            content = self._read(name, stored.TENSOR_LIMIT)
        except FileNotFoundError:
            held = ", ".join(self.shelf.names())
            raise FileNotFoundError(f"{self.path} has no file {name!r}; it has {held}") from None
        if isinstance(self.shelf, shelf.Folder):
            return self.path / name
        path = _copies() / self.study / self.hash / name
        durable.make_folder(path.parent)
        durable.write_bytes(path, content)
        return path

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return decode(self._read_json(name))
        except FileNotFoundError:
            return {}

    def _read_json(self, name: str) -> dict[str, Any]:
        return stored.parse_json(self._read(name, stored.JSON_LIMIT), self.shelf.place(name))

    def _read(self, name: str, limit: int) -> bytes:
        """Content of a file; in a finished record the file must be among the sealed ones."""
        if self.finished and name not in self.files:
            raise FileNotFoundError(f"{self.shelf.place(name)}: not among the sealed files")
        return self.shelf.read(name, limit)


def find(study: str, version: int, runs: Iterable[Run], folders: Sequence[Path]) -> list[Record]:
    """Find the records of runs, in the order of the runs; runs without a record are left out.

    Parameters
    ----------
    study, version
        Name and version of the study.
    runs
        The runs to look for.
    folders
        Results folders, in order of preference. The first finished record of each run is taken, or
        the first of any status if none is finished.

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
    """Address of a record that is named by its address, its hash, or the first digits of its hash.

    Parameters
    ----------
    name
        The name; if it contains a slash, it is the address.
    results
        Results folder in which to look for a hash, besides the published records.

    Raises
    ------
    ConfigError
        If no hash begins with these digits, or more than one does.
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


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory[str]:
    """Make the folder of this process for copies of files; it is removed with its object."""
    return tempfile.TemporaryDirectory(prefix="records-")


def _copies() -> Path:
    return Path(_temporary().name)


def _there(path: Path, run: Run) -> Record | None:
    try:
        return Record.open(path, run)
    except FileNotFoundError:
        return None


def parse_metrics(data: bytes, path: Path | str) -> list[dict[str, Any]]:
    """Parse a metrics file; an incomplete line after the last newline is dropped."""
    whole = data[: data.rfind(b"\n") + 1]
    lines = []
    for number, line in enumerate(whole.splitlines(), start=1):
        value = stored.parse_json(line, f"{path}:{number}")
        step = value.get("step")
        if not isinstance(step, int) or abs(step) >= 2**63:
            raise stored.RejectedFileError(f"{path}:{number}: expected a step, an integer")
        lines.append(decode(value))
    return lines


def encode(value: Any) -> Any:
    """Turn logged or noted values into plain JSON; non-finite floats become words such as "NaN".

    A text that equals one of these words gets a backslash in front, to distinguish it from the
    number.
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
