"""Checkpoints of one run: a folder per step with digests of its files; the last two are kept.

``checkpoints/step_N/`` holds ``tensors.safetensors``, in ``files`` the files that the run had saved
by then, and ``state.json``, which is written last. That file holds the SHA-256 of all the others,
the length and SHA-256 of the metrics so far, the notes, and digests of the source. A folder without
a matching ``state.json`` is not a checkpoint.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from experiments.store import durable, source, stored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import numpy as np

    from experiments.store.source import Origin

KEPT = 2
_FILES = "files"
_STEP = re.compile(r"step_(\d{1,15})")


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after a step: arrays, plain values, notes and saved files.

    Parameters
    ----------
    step
        Steps done.
    tensors
        Arrays by name; writable copies.
    state
        Plain JSON values; tuples come back as lists.
    metrics_bytes, metrics_sha256
        Length and digest of the part of ``metrics.jsonl`` written by then.
    origin
        Code, environment and data of the run that wrote it (see `experiments.store.source`).
    notes
        Notes by then, encoded as JSON values.
    files
        Content of each file saved by then.
    forced
        Differences of origin that ``--force`` accepted, in all sessions up to then.
    """

    step: int
    tensors: dict[str, np.ndarray]
    state: dict[str, Any]
    metrics_bytes: int = 0
    metrics_sha256: str = stored.sha256(b"")
    origin: Origin = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    forced: tuple[str, ...] = ()


def write(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, ``state.json`` last, then remove all but the newest two."""
    target = folder / f"step_{checkpoint.step}"
    durable.make_folder(target)
    if checkpoint.files:
        durable.make_folder(target / _FILES)
    for name, content in checkpoint.files.items():
        durable.write_bytes(target / _FILES / stored.checked_name(name), content)
    sha256 = durable.write_tensors(target / "tensors.safetensors", checkpoint.tensors)
    facts = {
        "step": checkpoint.step,
        "tensors_sha256": sha256,
        "metrics_bytes": checkpoint.metrics_bytes,
        "metrics_sha256": checkpoint.metrics_sha256,
        "origin": checkpoint.origin,
        "notes": checkpoint.notes,
        "files": {name: stored.sha256(content) for name, content in checkpoint.files.items()},
        "forced": list(checkpoint.forced),
        "state": checkpoint.state,
    }
    durable.write_json(target / "state.json", facts)
    for old in _steps(folder)[KEPT:]:
        durable.remove(old)


def newest(
    folder: Path, metrics: bytes, on_rejected: Callable[[Path, str], None]
) -> Checkpoint | None:
    """Newest valid checkpoint; each newer, invalid one is reported to `on_rejected` first.

    A checkpoint that the system refuses to read counts as neither, and raises `ReadError`.

    Parameters
    ----------
    folder
        The run's ``checkpoints`` folder; it need not exist.
    metrics
        Content of the run's metrics file. A checkpoint is invalid if its part of the file is lost
        or changed.
    on_rejected
        Called with the folder of a rejected checkpoint and the reason.
    """
    for path in _steps(folder):
        try:
            return _read(path, metrics)
        except (stored.RejectedFileError, FileNotFoundError) as error:
            on_rejected(path, str(error))
    return None


def newest_origin(folder: Path) -> Origin | None:
    """Digests of what the newest checkpoint was made from; None without a checkpoint."""
    for path in _steps(folder):
        try:
            facts = stored.read_json(path / "state.json")
            _check_facts(facts, path)
        except (stored.RejectedFileError, FileNotFoundError):
            continue
        return facts["origin"]
    return None


def _steps(folder: Path) -> list[Path]:
    """Step folders, newest first; files and folders with other names are ignored."""
    if not stored.is_folder(folder):
        return []
    found = [(int(m[1]), path) for path in folder.iterdir() if (m := _STEP.fullmatch(path.name))]
    return [path for _, path in sorted(found, reverse=True)]


def _read(path: Path, metrics: bytes) -> Checkpoint:
    if path.is_symlink():
        raise stored.RejectedFileError(f"{path}: is a symbolic link")
    facts = stored.read_json(path / "state.json")
    _check_facts(facts, path)
    data = stored.read_bytes(path / "tensors.safetensors", stored.TENSOR_LIMIT)
    if stored.sha256(data) != facts["tensors_sha256"]:
        raise stored.RejectedFileError(f"{path}: the tensors do not match their SHA-256")
    size = facts["metrics_bytes"]
    if len(metrics) < size or stored.sha256(metrics[:size]) != facts["metrics_sha256"]:
        raise stored.RejectedFileError(f"{path}: the metrics up to this step are lost or changed")
    files = {name: _file(path, name, sha256) for name, sha256 in facts["files"].items()}
    return Checkpoint(
        step=facts["step"],
        tensors=stored.parse_tensors(data, path),
        state=facts["state"],
        metrics_bytes=size,
        metrics_sha256=facts["metrics_sha256"],
        origin=facts["origin"],
        notes=facts["notes"],
        files=files,
        forced=tuple(facts["forced"]),
    )


def _file(path: Path, name: str, sha256: str) -> bytes:
    try:
        data = stored.read_bytes(path / _FILES / stored.checked_name(name), stored.TENSOR_LIMIT)
    except ValueError as error:
        raise stored.RejectedFileError(f"{path}: {error}") from error
    if stored.sha256(data) != sha256:
        raise stored.RejectedFileError(f"{path}: {name} does not match its SHA-256")
    return data


def _check_facts(facts: Mapping[str, Any], path: Path) -> None:
    expected = {
        "step": int,
        "tensors_sha256": str,
        "metrics_bytes": int,
        "metrics_sha256": str,
        "origin": dict,
        "notes": dict,
        "files": dict,
        "forced": list,
        "state": dict,
    }
    wrong = [k for k, kind in expected.items() if not isinstance(facts.get(k), kind)]
    if wrong:
        raise stored.RejectedFileError(
            f"{path / 'state.json'}: {', '.join(wrong)} missing or of a wrong type"
        )
    if facts["metrics_bytes"] < 0 or not all(isinstance(text, str) for text in facts["forced"]):
        raise stored.RejectedFileError(
            f"{path / 'state.json'}: metrics_bytes is negative, or forced holds no text"
        )
    if not source.is_origin(facts["origin"]):
        raise stored.RejectedFileError(
            f"{path / 'state.json'}: origin: expected {', '.join(source.PARTS)} with text each"
        )
    if f"step_{facts['step']}" != path.name:
        raise stored.RejectedFileError(f"{path / 'state.json'}: says step {facts['step']!r}")
