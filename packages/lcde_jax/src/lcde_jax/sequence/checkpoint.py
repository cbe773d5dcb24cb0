"""Models on disk, in the one layout that the twins in JAX and torch read and write."""

from __future__ import annotations

import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

from seqtheory import _model_file
from seqtheory._model_file import CheckpointError, Facts

from ..train.optimiser import tensor_names
from .model import SequenceModelConfig
from .network import SequenceModel

__all__ = ["CheckpointError", "load", "save"]

_COUNT = "num_batches_tracked"  # an integer on disk


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
    _model_file.check_model(model, SequenceModel)
    leaves = jax.tree.leaves(eqx.filter(model, eqx.is_inexact_array))
    tensors = {
        name: np.asarray(leaf, np.int64 if name.endswith(_COUNT) else None)
        for name, leaf in zip(tensor_names(model), leaves, strict=True)
    }
    _model_file.replace(Path(path), to_bytes(tensors, _model_file.metadata(model.config)))


def load(
    path: str | os.PathLike[str], *, expected: SequenceModelConfig | None = None
) -> SequenceModel:
    """Build the model that a file describes, with its tensors in their stored type.

    Parameters
    ----------
    path
        File that `save` wrote, here or in torch.
    expected
        Config that the file must hold.

    Raises
    ------
    CheckpointError
        If the file cannot be read, is truncated, foreign or inconsistent, names a mixer that JAX
        has no twin of, or holds another config than `expected`; it names field or tensor.
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds float64 and JAX's 64-bit mode is off.
    """
    file = Path(path)
    with _model_file.reading(file, SafetensorError), safe_open(file, framework="numpy") as opened:
        found = opened.metadata() or {}
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    config = _model_file.config(found, SequenceModelConfig, file, len(tensors))
    _model_file.check_expected(config, expected, file)
    return _filled(config, tensors, file)


def _filled(
    config: SequenceModelConfig, tensors: dict[str, np.ndarray], path: Path
) -> SequenceModel:
    """Put the tensors where a model of this config has its own, which are never drawn."""
    with _model_file.building(path):
        frame = eqx.filter_eval_shape(lambda: config.build(jax.random.key(0)))
    leaves, structure = jax.tree.flatten(frame)
    names = tensor_names(jax.tree.map(lambda leaf: np.zeros(0), frame))
    own = {
        name: Facts(leaf.shape, str(leaf.dtype), not name.endswith(_COUNT))
        for name, leaf in zip(names, leaves, strict=True)
    }
    stored = {n: Facts(v.shape, str(v.dtype), v.dtype.kind == "f") for n, v in tensors.items()}
    _model_file.check_tensors(own, stored, path)
    kinds = {value.dtype for value in tensors.values() if value.dtype.kind == "f"}
    if any(kind != jax.dtypes.canonicalize_dtype(kind) for kind in kinds):
        raise ValueError(
            f"{path} holds float64, but JAX's 64-bit mode is off in this process. Wrap the call in "
            "`with jax.enable_x64(True):`."
        )
    first = next(tensors[name].dtype for name in names if own[name].floating)
    return jax.tree.unflatten(
        structure,
        [jnp.asarray(tensors[n], None if own[n].floating else first) for n in names],
    )
