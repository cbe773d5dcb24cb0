"""Models on disk: tensors in safetensors, with the config that rebuilds the model inside."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import types
import typing
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from seqtheory import _model_file

from .mixers.delta_rule import DeltaRuleConfig
from .mixers.mamba import MambaConfig
from .model import SequenceModelConfig
from .network import SequenceModel

_FORMAT = "seq_torch.model.1"


class CheckpointError(ValueError):
    """A file that is not a complete checkpoint of this package, or not the expected one."""


def save(model: SequenceModel, path: str | os.PathLike[str]) -> None:
    """Write a model: its tensors and, as metadata, its config in canonical JSON.

    Parameters
    ----------
    model
        Built by `SequenceModelConfig.build`, in any floating type.
    path
        File to write. It is replaced in one go: a crash leaves the old file or the new one.

    Raises
    ------
    TypeError
        If `model` is not a ``SequenceModel``.
    """
    if not isinstance(model, SequenceModel):
        raise TypeError(
            f"got a {type(model).__name__}, expected a SequenceModel: only its config says how to "
            "build it again."
        )
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    _check_writable(model, tensors)
    metadata = {"format": _FORMAT, "config": _model_file.encoded(model.config)}
    _model_file.replace(Path(path), to_bytes(tensors, metadata))


def load(
    path: str | os.PathLike[str], *, expected: SequenceModelConfig | None = None
) -> SequenceModel:
    """Build the model that a file describes, with its tensors in their stored type, on the CPU.

    Parameters
    ----------
    path
        File that `save` wrote.
    expected
        Config that the file must hold.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, foreign or inconsistent, names a config type that
        is not imported, or holds another config than `expected`; the message names field or tensor.
    FileNotFoundError
        If there is no such file.

    Notes
    -----
    Nothing is unpickled. The types of mixers are the subclasses of `MixerConfig` that are imported:
    import a module that defines one of your own first.
    """
    metadata, tensors = _read(Path(path))
    if metadata.get("format") != _FORMAT or "config" not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a model of this package: its metadata has "
            f"format={metadata.get('format')!r}, expected {_FORMAT!r}. Write models with "
            "seq_torch.save."
        )
    try:
        settings = _model_file.parsed(metadata["config"], Path(path))
        config = _decoded(settings, SequenceModelConfig, "config")
    except _model_file.REFUSALS as error:
        raise CheckpointError(f"{path} holds no valid config: {error}") from error
    if not isinstance(config, SequenceModelConfig):
        raise CheckpointError(f"{path} holds no valid config: got {config!r}, expected fields.")
    if config.depth > len(tensors):
        raise CheckpointError(
            f"{path} holds {len(tensors)} tensors, too few for its config.depth={config.depth}."
        )
    if expected is not None and (difference := _difference(config, expected, "config")):
        raise CheckpointError(f"{path} holds another model than expected: {difference}.")
    try:
        with torch.device("meta"), contextlib.suppress(NotImplementedError):
            # Shapes first, without memory; a mixer that must look at what it draws says it cannot.
            _check(SequenceModel(config), tensors, path)
        model = config.build(seed=0)
    except CheckpointError:
        raise
    except _model_file.REFUSALS as error:
        raise CheckpointError(f"{path} holds a config of no model: {error}") from error
    _fill(model, tensors, path)
    return model


def _check_writable(model: SequenceModel, tensors: dict[str, torch.Tensor]) -> None:
    """Raise unless the model has the tensors that its config builds, each for itself."""
    seen: dict[int, str] = {}
    for name, value in tensors.items():
        if value.numel() and (other := seen.setdefault(value.data_ptr(), name)) != name:
            raise ValueError(
                f"{other} and {name} are one tensor, but the model's config builds two. Give each "
                "its own, as in nn.Parameter(tensor.detach().clone()), before saving."
            )
    wrapped = [n for n, m in model.named_modules() if n and type(m).__name__ == "OptimizedModule"]
    if wrapped:
        raise ValueError(
            f"{wrapped[0]} is compiled, which renames its tensors. Put the module itself back "
            "(its _orig_mod) before saving."
        )


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    _model_file.check_readable(path, CheckpointError)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            names = file.keys()
            # Tensors of the file are not aligned for complex arithmetic, which can crash on them.
            return file.metadata() or {}, {name: file.get_tensor(name).clone() for name in names}
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete safetensors file ({error}). "
            "It was truncated or is of another format; write it again."
        ) from error


def _fill(model: SequenceModel, tensors: dict[str, torch.Tensor], path: Any) -> None:
    """Put the tensors into the model; a parameter keeps its class and takes the stored type."""
    _check(model, tensors, path)
    for name, value in model.state_dict(keep_vars=True).items():
        value.data = tensors[name]


def _check(model: SequenceModel, tensors: dict[str, torch.Tensor], path: Any) -> None:
    """Raise unless these are the tensors of the model, by name, kind and shape."""
    own = model.state_dict()
    for names, what in ((own.keys() - tensors, "lacks"), (tensors.keys() - own, "has an unknown")):
        if names:
            raise CheckpointError(f"{path} {what} tensor {min(names)!r}, which its config decides.")
    for name, value in own.items():
        stored = tensors[name]
        if stored.shape != value.shape or stored.is_floating_point() != value.is_floating_point():
            raise CheckpointError(
                f"{path}: tensor {name!r} is {stored.dtype} of shape {tuple(stored.shape)}, but "
                f"its config asks for {value.dtype} of shape {tuple(value.shape)}."
            )


def _decoded(value: Any, annotation: Any, where: str) -> Any:
    """Rebuild what `_model_file.encoded` wrote; the annotation says which types may stand there."""
    if not isinstance(value, dict):
        return value
    name = value.get("type")
    found = {kind for kind in _family(annotation) if kind.__name__ == name}
    if len(found) != 1:
        raise ValueError(
            f"{where} has type {name!r}, of which {len(found)} are imported; import the one module "
            "that defines it."
        )
    (kind,) = found
    hints = typing.get_type_hints(kind)
    given = _meant(kind, {key: item for key, item in value.items() if key != "type"})
    if unknown := given.keys() - {field.name for field in dataclasses.fields(kind)}:
        raise ValueError(f"{where} ({name}) has no field {min(unknown)!r}.")
    return kind(
        **{key: _decoded(item, hints[key], f"{where}.{key}") for key, item in given.items()}
    )


def _meant(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    """Complete what an older file leaves unsaid by what it meant then, which is no default now."""
    if issubclass(kind, DeltaRuleConfig):
        return {"normalisation": "exact", "read_scale": 1.0} | given
    if issubclass(kind, MambaConfig) and given.get("step_rank", "") is None:
        return given | {"step_rank": "inner"}
    return given


def _family(annotation: Any) -> set[type]:
    """Classes that an annotation names, and all their subclasses."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return {kind for member in typing.get_args(annotation) for kind in _family(member)}
    if not isinstance(annotation, type):
        return set()
    own = {annotation} if dataclasses.is_dataclass(annotation) else set()
    return own.union(*(_family(heir) for heir in annotation.__subclasses__()))


def _difference(found: Any, expected: Any, where: str) -> str:
    """Say where two configs first differ; empty if nowhere."""
    if type(found) is type(expected) and dataclasses.is_dataclass(found):
        for field in dataclasses.fields(found):
            pair = getattr(found, field.name), getattr(expected, field.name)
            if said := _difference(*pair, f"{where}.{field.name}"):
                return said
        return ""
    return "" if found == expected else f"{where} is {found!r}, expected {expected!r}"
