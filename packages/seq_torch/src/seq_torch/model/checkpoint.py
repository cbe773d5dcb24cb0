"""Models on disk: tensors in safetensors, with the config that rebuilds the model inside."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from seqtheory import _model_file
from seqtheory._model_file import CheckpointError, Facts

from .model import SequenceModelConfig
from .network import SequenceModel

__all__ = ["CheckpointError", "load", "save"]


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
    _model_file.check_model(model, SequenceModel)
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    _check_writable(model, tensors)
    _model_file.replace(Path(path), to_bytes(tensors, _model_file.metadata(model.config)))


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
    file = Path(path)
    with _model_file.reading(file, SafetensorError):
        found, tensors = _read(file)
    config = _model_file.config(found, SequenceModelConfig, file, len(tensors), _renewed)
    _model_file.check_expected(config, expected, file)
    with _model_file.building(file):
        with torch.device("meta"), contextlib.suppress(NotImplementedError):
            # Shapes first, without memory; a mixer that must look at what it draws says it cannot.
            _check(SequenceModel(config), tensors, file)
        model = config.build(seed=0)
    _check(model, tensors, file)
    for name, value in model.state_dict(keep_vars=True).items():
        value.data = tensors[name]  # a parameter keeps its class and takes the stored type
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
    with safe_open(path, framework="pt", device="cpu") as file:
        names = file.keys()
        # Tensors of the file are not aligned for complex arithmetic, which can crash on them.
        return file.metadata() or {}, {name: file.get_tensor(name).clone() for name in names}


def _check(model: SequenceModel, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Raise unless these are the tensors of the model, by name, kind and shape."""
    own = {name: _facts(value) for name, value in model.state_dict().items()}
    _model_file.check_tensors(own, {n: _facts(value) for n, value in tensors.items()}, path)


def _facts(tensor: torch.Tensor) -> Facts:
    return Facts(tuple(tensor.shape), str(tensor.dtype), tensor.is_floating_point())


def _renewed(said: dict[str, Any]) -> dict[str, Any]:
    """Update the settings of Mamba in older files, where a step rank of None meant "inner"."""
    if said.get("type") == "MambaConfig" and said.get("step_rank", "") is None:
        return said | {"step_rank": "inner"}
    return said
