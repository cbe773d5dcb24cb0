"""Models on disk, in the one layout that the twins in JAX and torch read and write."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from seqtheory import _model_file

from ..optimiser import tensor_names
from ..structure import (
    BlockDiagonal,
    Dense,
    Diagonal,
    DiagonalPlusLowRank,
    OneHotDiagonal,
    Sparse,
    WalshHadamard,
)
from .embedding import LinearInput, TokenInput
from .linear_cde import LinearCDEConfig
from .model import SequenceModelConfig
from .network import SequenceModel
from .readout import LastOutput, MeanOutput, StepOutput
from .s4 import S4DPLRConfig
from .s4d import S4DConfig
from .s5 import S5Config

_FORMAT = "seq_torch.model.1"
_COUNT = "num_batches_tracked"  # an integer on disk
_CONFIGS = (
    *(SequenceModelConfig, TokenInput, LinearInput, StepOutput, MeanOutput, LastOutput),
    *(S4DPLRConfig, S4DConfig, S5Config, LinearCDEConfig),
    *(Dense, Diagonal, BlockDiagonal, DiagonalPlusLowRank, Sparse, WalshHadamard, OneHotDiagonal),
)
_KINDS = {kind.__name__: kind for kind in _CONFIGS}


class CheckpointError(ValueError):
    """A file that is not a complete model, or none that JAX has a twin of."""


def save(model: SequenceModel, path: str | os.PathLike[str]) -> None:
    """Write a model: its tensors and, as metadata, its config in canonical JSON.

    Parameters
    ----------
    model
        Built by `SequenceModelConfig.build`, or trained from there.
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
    leaves = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    tensors = {
        name: np.asarray(leaf, np.int64 if name.endswith(_COUNT) else None)
        for name, leaf in zip(tensor_names(model), leaves, strict=True)
    }
    metadata = {"format": _FORMAT, "config": _model_file.encoded(model.config)}
    _model_file.replace(Path(path), to_bytes(tensors, metadata))


def load(path: str | os.PathLike[str]) -> SequenceModel:
    """Build the model that a file describes, with its tensors in their stored type.

    Parameters
    ----------
    path
        File that `save` wrote, here or in torch.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, foreign or inconsistent, or names a mixer that JAX
        has no twin of; the message names field or tensor.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds float64 and JAX's 64-bit mode is off.
    """
    metadata, tensors = _read(Path(path))
    if metadata.get("format") != _FORMAT or "config" not in metadata:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a model: its metadata has "
            f"format={metadata.get('format')!r}, expected {_FORMAT!r}. Write models with "
            "lcde_jax.save or seq_torch.save."
        )
    try:
        settings = _model_file.parsed(metadata["config"], Path(path))
        config = _decoded(settings, "config")
    except _model_file.REFUSALS as error:
        raise CheckpointError(f"{path} holds no valid config: {error}") from error
    if not isinstance(config, SequenceModelConfig):
        raise CheckpointError(f"{path} holds no valid config: got {config!r}, expected fields.")
    if config.depth > len(tensors):
        raise CheckpointError(
            f"{path} holds {len(tensors)} tensors, too few for its config.depth={config.depth}."
        )
    return _filled(config, tensors, path)


def _read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    _model_file.check_readable(path, CheckpointError)
    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} ({path.stat().st_size} bytes) is not a complete safetensors file ({error}). "
            "It was truncated or is of another format; write it again."
        ) from error


def _filled(
    config: SequenceModelConfig, tensors: dict[str, np.ndarray], path: Any
) -> SequenceModel:
    """Put the tensors where a model of this config has its own, which are never drawn."""
    try:
        frame = eqx.filter_eval_shape(lambda: config.build(jax.random.key(0)))
    except _model_file.REFUSALS as error:
        raise CheckpointError(f"{path} holds a config of no model: {error}") from error
    leaves, structure = jax.tree.flatten(frame)
    names = tensor_names(jax.tree.map(lambda leaf: np.zeros(0), frame))
    own = dict(zip(names, leaves, strict=True))
    for wrong, what in ((own.keys() - tensors, "lacks"), (tensors.keys() - own, "has an unknown")):
        if wrong:
            raise CheckpointError(f"{path} {what} tensor {min(wrong)!r}, which its config decides.")
    found = [_checked(name, own[name], tensors[name], path) for name in names]
    kind = next(value.dtype for value in found if value.dtype.kind == "f")
    return jax.tree.unflatten(
        structure, [value if value.dtype.kind == "f" else value.astype(kind) for value in found]
    )


def _checked(name: str, own: Any, stored: np.ndarray, path: Any) -> jax.Array:
    counts = name.endswith(_COUNT)
    if stored.shape != own.shape or (stored.dtype.kind == "f") == counts:
        raise CheckpointError(
            f"{path}: tensor {name!r} is {stored.dtype} of shape {stored.shape}, but its config "
            f"asks for {'integers' if counts else 'floating numbers'} of shape {own.shape}."
        )
    if stored.dtype != jax.dtypes.canonicalize_dtype(stored.dtype) and not counts:
        raise ValueError(
            f"{path} holds float64, but JAX's 64-bit mode is off in this process. Wrap the call in "
            "`with jax.enable_x64(True):`."
        )
    return jnp.asarray(stored)


def _decoded(value: Any, where: str) -> Any:
    """Rebuild what `_model_file.encoded` wrote."""
    if not isinstance(value, dict):
        return value
    name = value.get("type")
    if name not in _KINDS:
        raise ValueError(
            f"{where} has type {name!r}, of which JAX has no twin; it has those of "
            f"{', '.join(sorted(_KINDS))}."
        )
    given = {key: item for key, item in value.items() if key != "type"}
    fields = {field.name for field in dataclasses.fields(_KINDS[name])}
    if unknown := given.keys() - fields:
        raise ValueError(f"{where} ({name}) has no field {min(unknown)!r}.")
    return _KINDS[name](**{key: _decoded(item, f"{where}.{key}") for key, item in given.items()})
