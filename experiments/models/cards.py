"""Files of the checkpoints: weights as their record holds them, and a card beside each."""

from __future__ import annotations

import json
import lzma
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from experiments.exit_code import ConfigError
from experiments.models.catalogue import CHECKPOINTS, Checkpoint
from experiments.models.measuring import OUTCOMES
from experiments.models.trained import MemoryRun, TrackerRun
from experiments.models.words import sentence
from experiments.record import Record
from experiments.run import canonical
from experiments.store import durable, stored
from experiments.study import ROOT, unknown
from experiments.zoo import MODELS
from seqtheory.expressivity import Transition, predict

STUDY = "models.checkpoints"
LICENCE = "Apache-2.0"
_WEIGHTS = "model.safetensors"
_SMALL = 2**18  # bytes of weights from which on they are stored packed
_INSIDE = Path("packages") / "seq_torch" / "src" / "seq_torch"


def folder() -> Path:
    """Folder of the files: in the repository, or in the package as it is installed.

    Raises
    ------
    ConfigError
        If there is neither; `seq_torch` is looked for without importing it.
    """
    package = ROOT.parent / _INSIDE
    if not package.is_dir():
        spec = find_spec("seq_torch")
        if spec is None or not spec.submodule_search_locations:
            raise ConfigError(
                "the checkpoints come with seq_torch, which is not installed: install the extra "
                "torch"
            )
        package = Path(spec.submodule_search_locations[0])
    return package / "pretrained" / "files"


def read() -> list[dict[str, Any]]:
    """Read all cards that there are, in the order of the catalogue; no framework is imported."""
    paths = [folder() / f"{each.name}.json" for each in CHECKPOINTS]
    return [stored.read_json(path) for path in paths if path.is_file()]


def chosen(names: Sequence[str]) -> list[Checkpoint]:
    """Give checkpoints by name; all of them if none is named.

    Raises
    ------
    ConfigError
        If there is none of a name; the message names the nearest.
    """
    by_name = {each.name: each for each in CHECKPOINTS}
    for name in names:
        if name not in by_name:
            raise ConfigError(unknown("checkpoint", name, list(by_name)))
    return [by_name[name] for name in dict.fromkeys(names)] or list(CHECKPOINTS)


def write(checkpoint: Checkpoint, record: Record, to: Path) -> Path:
    """Write weights and card of a checkpoint from its record.

    Returns
    -------
    Path
        The card.

    Raises
    ------
    ConfigError
        If the record shows something else than the catalogue says of the checkpoint.
    """
    found, wanted = record.notes["outcome"], checkpoint.outcome
    if found != wanted:
        raise ConfigError(
            f"{checkpoint.name}: its record {record.path} shows that it {found} "
            f"({OUTCOMES[found]}); expected {wanted}: change its run, or what the catalogue says"
        )
    weights = record.file(_WEIGHTS).read_bytes()
    path = to / f"{checkpoint.name}.json"
    durable.make_folder(path.parent)
    said = card(checkpoint, record, weights)
    content = lzma.compress(weights) if said["file"].endswith(".xz") else weights
    durable.write_bytes(path.with_name(said["file"]), content)
    durable.write_text(path, text(said))
    return path


def text(card: Mapping[str, Any]) -> str:
    """Write a card as JSON."""
    return json.dumps(card, indent=1, ensure_ascii=False) + "\n"


def card(checkpoint: Checkpoint, record: Record, weights: bytes) -> dict[str, Any]:
    """Say what a checkpoint shows, what it is made of, and what its record measured."""
    name, run = checkpoint.name, checkpoint.run
    (model,) = (each for each in MODELS if each.name == checkpoint.model)
    stem = Path(name).name
    return {
        "name": name,
        "shows": sentence(checkpoint, record.notes["measured"]),
        "outcome": checkpoint.outcome,
        "how": "trained" if isinstance(run, TrackerRun | MemoryRun) else "set by hand",
        "model": {
            "name": model.name,
            "year": model.year,
            "equation": model.equation,
            "page": f"docs/models/{model.page}.md",
            "bibtex": model.bibtex,
        },
        "theory": theory(checkpoint),
        "measured": record.notes["measured"],
        "parameters": record.notes["parameters"],
        "settings": _settings(weights),
        "run": canonical(run),
        "record": {
            "study": STUDY,
            "hash": record.hash,
            "commit": (record.provenance.get("git") or {}).get("commit"),
        },
        "file": f"{stem}.safetensors" + (".xz" if len(weights) > _SMALL else ""),
        "bytes": len(weights),
        "sha256": record.files[_WEIGHTS],
        "licence": LICENCE,
        "load": f'seq_torch.pretrained.load("{name}")',
        "make": f"python -m experiments make-models {name}",
    }


def theory(checkpoint: Checkpoint) -> dict[str, str] | None:
    """Ask theory whether the model of a tracker can do its task at every length."""
    run = checkpoint.run
    if not isinstance(run, TrackerRun):
        return None
    found = run.mixer.transition_class
    if not isinstance(found, Transition):
        return None
    verdict = predict(run.task, replace(found, layers=run.depth))
    return {"status": verdict.status, "theorem": verdict.theorem}


def _settings(weights: bytes) -> dict[str, Any]:
    """Read the settings of a model, which its file holds."""
    size = int.from_bytes(weights[:8], "little")
    held = json.loads(weights[8 : 8 + size])["__metadata__"]
    return json.loads(held["config"])
