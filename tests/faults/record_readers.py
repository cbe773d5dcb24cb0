"""Readers of records, checkpoints and models, each with a small valid sample."""

from __future__ import annotations

import hashlib
import json
import lzma
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from fuzz import Cases, Reader
from mutations import damaged, leaves, models
from safetensors.numpy import save

import lcde_jax as lj
from experiments.engine import session
from experiments.exit_code import ConfigError
from experiments.record import CorruptRecordError, Record
from experiments.run import Run, described, digest
from experiments.store import archive, belonging, checkpoint, journal, source, stored, sums
from lcde_jax.train.blocks import Carry
from lcde_jax.train.snapshot import unpack
from seqtheory.training import Progress, Snapshot, Training

COUNT = 180
ORIGIN = {"code": {"study/a.py": "0" * 64}, "environment": {"python": "3.11"}, "data": {"~/a": "b"}}
TENSORS = {"a": np.arange(6.0).reshape(2, 3), "b": np.zeros((), np.int32), "c": np.zeros((0, 2))}
RUN = described(Run(), "sums", 1)
CONTENTS = {
    "run.json": json.dumps(RUN).encode(),
    "metrics.jsonl": b"".join(b'{"step":%d,"loss":[0.5,"NaN"]}\n' % step for step in range(4)),
    "notes.json": b'{"best":1,"text":"\\\\NaN","nested":{"list":[1,2.5,null]}}',
    "provenance.json": json.dumps(
        {"origin": ORIGIN, "sessions": [{"start": "now", "wall_seconds": 1.5}]}
    ).encode(),
    "failed.json": b'{"type":"ValueError","message":"a","traceback":"b"}',
    "diverged.json": b'{"step":3,"reason":"loss is NaN"}',
    "model.safetensors": save(TENSORS),
}
PARTS = {
    "run.json": ("description", "study"),
    "metrics.jsonl": ("metrics",),
    "notes.json": ("notes",),
    "provenance.json": ("provenance", "origin"),
    "failed.json": ("failure",),
    "diverged.json": ("divergence",),
}


def plain(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT)


def objects(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT // 2)
    yield from leaves(content, rng, COUNT // 2)


def tensors(content: bytes, rng: np.random.Generator) -> Cases:
    yield from damaged(content, rng, COUNT // 2)
    yield from models(content, rng, COUNT // 2)


def record(folder: Path) -> Path:
    return folder / digest(RUN)


def unfinished(folder: Path, name: str) -> Path:
    record(folder).mkdir()
    for file, content in CONTENTS.items():
        (record(folder) / file).write_bytes(content)
    return record(folder) / name


def finished(folder: Path) -> Path:
    unfinished(folder, "DONE")
    (record(folder) / "failed.json").unlink()
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in record(folder).iterdir()}
    done = record(folder) / "DONE"
    done.write_text(json.dumps({"status": "done", "files": files}))
    return done


def resealed(folder: Path) -> Record:
    """Open a record whose description was changed together with its seal, by somebody."""
    done = record(folder) / "DONE"
    facts = json.loads(done.read_bytes())
    described = record(folder) / "run.json"
    if described.is_file():
        sha256 = hashlib.sha256(described.read_bytes()).hexdigest()
        done.write_text(json.dumps(facts | {"files": facts["files"] | {"run.json": sha256}}))
    return whole(folder)


def whole(folder: Path) -> Record:
    found = Record.open(record(folder))
    for name in ("description", "metrics", "notes", "provenance", "divergence", "failure"):
        getattr(found, name)
    return found


def parts(name: str) -> Reader:
    """One file of an unfinished record."""

    def read(folder: Path) -> list[Any]:
        found = Record.open(record(folder))
        return [getattr(found, part) for part in PARTS[name]]

    def valid(value: list[Any]) -> bool:
        kinds = {"study": str, "metrics": list, "origin": (dict, types.NoneType)}
        named = zip(PARTS[name], value, strict=True)
        return all(isinstance(found, kinds.get(part, dict)) for part, found in named)

    return Reader(
        lambda folder: unfinished(folder, name),
        read,
        valid,
        (stored.RejectedFileError,),
        plain if name == "metrics.jsonl" else objects,
    )


def are_tensors(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(part, np.ndarray) and part.flags.writeable for part in value.values()
    )


# Checkpoints


def checkpoints(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        metrics = CONTENTS["metrics.jsonl"]
        held = checkpoint.Checkpoint(
            2,
            TENSORS,
            {"place": [1, 2]},
            len(metrics),
            stored.sha256(metrics),
            ORIGIN,
            {"best": 1},
            {"saved.safetensors": save(TENSORS)},
            ("versions differ",),
        )
        checkpoint.write(folder / "checkpoints", held)
        return folder / "checkpoints" / "step_2" / name

    return make


def newest(folder: Path) -> checkpoint.Checkpoint | None:
    def rejected(path: Path, reason: str) -> None:
        assert path == folder / "checkpoints" / "step_2"
        assert str(folder) in reason

    checkpoint.newest_origin(folder / "checkpoints")
    return checkpoint.newest(folder / "checkpoints", CONTENTS["metrics.jsonl"], rejected)


def newest_resealed(folder: Path) -> checkpoint.Checkpoint | None:
    path = folder / "checkpoints" / "step_2"
    if (path / "tensors.safetensors").is_file() and (path / "tensors.safetensors").stat().st_size:
        facts = json.loads((path / "state.json").read_bytes())
        sha256 = stored.sha256((path / "tensors.safetensors").read_bytes())
        (path / "state.json").write_text(json.dumps(facts | {"tensors_sha256": sha256}))
    return newest(folder)


def is_checkpoint(value: Any) -> bool:
    return value is None or (
        isinstance(value, checkpoint.Checkpoint)
        and are_tensors(value.tensors)
        and isinstance(value.state, dict)
        and all(isinstance(text, str) for text in value.forced)
    )


# Archives

PACKED = Path(f"sums/quick{archive.SUFFIX}")


def an_archive(folder: Path) -> Path:
    files = {path.name: path.read_bytes() for path in finished(folder).parent.iterdir()}
    (folder / PACKED).parent.mkdir()
    (folder / PACKED).write_bytes(archive.packed({digest(RUN): files, "0" * 16: files}))
    return folder / PACKED


def inside(content: bytes, rng: np.random.Generator) -> Cases:
    """Damage under a whole compression."""
    for name, data in damaged(lzma.decompress(content), rng, COUNT):
        yield name, lzma.compress(data, preset=0)


def digests(folder: Path) -> Path:
    path = an_archive(folder)
    sums.write(folder, {PACKED.as_posix(): stored.sha256(path.read_bytes())})
    return folder / sums.NAME


def are_records(value: Any) -> bool:
    return isinstance(value, dict) and all("DONE" in files for files in value.values())


# What belongs to records


def stale(folder: Path) -> list[str] | None:
    return source.stale(Record.open(record(folder)), folder / "study.py", 1)


def code(folder: Path) -> Path:
    unfinished(folder, "run.json")
    (folder / "a.py").write_text('"""Words."""\n\nX = [1, 0x10, "text"]\n\ndef f(a: int) -> int:\n')
    (folder / "a.py").open("a").write('    """More."""\n    return a + X[0] * 2\n')
    return folder / "a.py"


def a_study(folder: Path) -> Path:
    (folder / "study.json").write_text('{"file": "study.py"}')
    return folder / "study.json"


def owner(folder: Path) -> str:
    study: Any = types.SimpleNamespace(builtin=False, file=folder / "study.py")
    return belonging.check(study, folder)


def earlier(folder: Path) -> dict[str, Any]:
    return session.earlier(record(folder) / "provenance.json")


# Models


def model(folder: Path) -> Path:
    config = lj.SequenceModelConfig(
        mixer=lj.S5Config(state_dim=4, blocks=2),
        input=lj.LinearInput(channels=2),
        output=lj.StepOutput(size=3),
        width=4,
        depth=1,
    )
    lj.save(config.build(jax.random.key(0)), folder / "model")
    return folder / "model"


def is_model(value: Any) -> bool:
    leaves = [leaf for leaf in jax.tree.leaves(value) if isinstance(leaf, jax.Array)]
    return isinstance(value, lj.SequenceModel) and {leaf.dtype.kind for leaf in leaves} <= {"f"}


# Snapshots of a training: what a checkpoint holds, once its digests are right

TRAINING = Training(num_steps=8, batch_size=2)


def progress(folder: Path) -> Path:
    made = Progress()
    made.evaluated({"rmse": 1.5, "at_lengths": [0.5, float("nan")]}, learning_rate=0.1)
    made.stepped(2.0)
    state = made.state(TRAINING, "digest")
    (folder / "state.json").write_text(json.dumps({"step": 1, "state": state}))
    return folder / "state.json"


def restored(folder: Path) -> Progress:
    held = stored.read_json(folder / "state.json")
    if not isinstance(held.get("state"), dict):
        raise ValueError("no state")
    found = Progress.restored(Snapshot(held.get("step"), {}, held["state"]), TRAINING, "digest")
    found.stepped(1.0)
    found.evaluated({}, learning_rate=0.1)
    return found


def carried(folder: Path) -> Carry:
    like = Carry({"a": jnp.zeros((2, 3))}, {"b": jnp.zeros((), jnp.int32)}, jnp.asarray(True))
    return unpack(["a"], like, stored.parse_tensors((folder / "snapshot").read_bytes(), folder))


SNAPSHOT = {"model.a": np.ones((2, 3), np.float32), "optimiser.b": np.ones((), np.int32)}


def snapshot(folder: Path) -> Path:
    (folder / "snapshot").write_bytes(save(SNAPSHOT))
    return folder / "snapshot"


def a_journal(folder: Path) -> Path:
    path = folder / ".command.1-a.json"
    part = {"label": "seed=0", "state": "running", "share": 0.5, "message": ""}
    told = {"title": "a", "written": 1.5, "seconds_left": None, "runs": {"a" * 16: part}}
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def are_told(value: object) -> bool:
    """Whether journals hold what a page can show: numbers within their bounds, and texts."""
    return isinstance(value, list) and all(
        0 <= told.written < 1e12
        and isinstance(told.title, str)
        and all(part.share is None or 0 <= part.share <= 1 for part in told.runs.values())
        for told in value
    )


READERS = {
    "description": parts("run.json"),
    "metrics": parts("metrics.jsonl"),
    "notes": parts("notes.json"),
    "provenance": parts("provenance.json"),
    "failure": parts("failed.json"),
    "divergence": parts("diverged.json"),
    "tensors": Reader(
        lambda folder: unfinished(folder, "model.safetensors"),
        lambda folder: Record.open(record(folder)).tensors("model"),
        are_tensors,
        (stored.RejectedFileError,),
        tensors,
    ),
    "seal": Reader(
        finished, whole, lambda value: isinstance(value, Record), (CorruptRecordError,), objects
    ),
    "description under a new seal": Reader(
        lambda folder: finished(folder).with_name("run.json"),
        resealed,
        lambda value: isinstance(value, Record),
        (CorruptRecordError,),
        objects,
    ),
    "sealed tensors": Reader(
        lambda folder: finished(folder).with_name("model.safetensors"),
        whole,
        lambda value: isinstance(value, Record),
        (CorruptRecordError,),
        tensors,
    ),
    "state of a checkpoint": Reader(checkpoints("state.json"), newest, is_checkpoint, (), objects),
    "tensors of a checkpoint": Reader(
        checkpoints("tensors.safetensors"), newest_resealed, is_checkpoint, (), tensors
    ),
    "file of a checkpoint": Reader(
        checkpoints("files/saved.safetensors"), newest, is_checkpoint, (), plain
    ),
    "archive": Reader(
        an_archive,
        lambda folder: archive.read(folder / PACKED),
        are_records,
        (stored.RejectedFileError,),
        plain,
    ),
    "archive under its compression": Reader(
        an_archive,
        lambda folder: archive.read(folder / PACKED),
        are_records,
        (stored.RejectedFileError,),
        inside,
    ),
    "digests of archives": Reader(
        digests,
        lambda folder: sums.check(folder / PACKED.parent),
        lambda value: isinstance(value, dict),
        (stored.RejectedFileError,),
        plain,
    ),
    "sessions": Reader(
        lambda folder: unfinished(folder, "provenance.json"),
        earlier,
        lambda value: isinstance(value, dict),
        (stored.RejectedFileError,),
        objects,
    ),
    "origin": Reader(
        lambda folder: code(folder).parent / record(folder).name / "provenance.json",
        stale,
        lambda value: value is None or isinstance(value, list),
        (stored.RejectedFileError,),
        objects,
    ),
    "code": Reader(code, stale, lambda value: isinstance(value, list), (), plain),
    "owner of records": Reader(
        a_study, owner, lambda value: isinstance(value, str), (ConfigError,), objects
    ),
    "progress of a command": Reader(
        a_journal, lambda folder: journal.read(folder), are_told, (), objects
    ),
    "progress of a training": Reader(
        progress,
        restored,
        lambda value: isinstance(value, Progress),
        (ValueError,),
        objects,
        text=True,
    ),
    "snapshot": Reader(
        snapshot,
        carried,
        lambda value: isinstance(value, Carry) and value.parameters["a"].shape == (2, 3),
        (ValueError,),
        tensors,
        text=True,
    ),
    "model": Reader(
        model, lambda folder: lj.load(folder / "model"), is_model, (lj.CheckpointError,), tensors
    ),
}
