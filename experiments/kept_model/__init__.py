"""Trained models inside records, as files that `seq_torch.load` and `lcde_jax.load` open.

A file holds the tensors and the settings that build the model again. A model without settings, such
as one around a mixer given as a class or a function, is kept as tensors alone, and a note of the
record says why.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from seqtheory.plain import added

if TYPE_CHECKING:
    import numpy as np

    from experiments.recorder import Recorder

Keep: TypeAlias = bool | Literal["best"]
"""What a record holds of a trained model: nothing, its last parameters, or those of its best
evaluation."""


no_model: Any = added(False)
"""Field of a run that says what to keep; runs that keep nothing retain their hashes."""


def require_keep(keep: Keep) -> None:
    """Raise ValueError unless this is one of the values of `keep_model`."""
    if not isinstance(keep, bool) and keep != "best":
        raise ValueError(f"keep_model={keep!r}: expected true, false or 'best'")


def keep(recorder: Recorder, model: Any, step: int, name: str = "model") -> None:
    """Store a model of torch or of JAX in a record, and note its step and how it is kept.

    Parameters
    ----------
    recorder
        Of the record.
    model
        The model, on any device.
    step
        Steps that its parameters were trained for.
    name
        Name of the file, without its ending.
    """
    content = said = None
    try:
        content = _file(model)
    except (TypeError, ValueError) as error:  # no settings that can be written
        said = str(error)
    if content is None:
        recorder.save(name, tensors(model))
        recorder.note(**{f"kept_{name}": {"step": step, "as": "tensors alone", "reason": said}})
        return
    recorder.keep_file(name, content)
    facts = {"step": step, "as": "model file", "bytes": len(content)}
    recorder.note(**{f"kept_{name}": facts})


def tensors(model: Any) -> dict[str, np.ndarray]:
    """Tensors of a model by name, statistics included."""
    return _framework(model).tensors(model)


def with_tensors(model: Any, held: Mapping[str, np.ndarray]) -> Any:
    """Copy a model, with other tensors in their places by name."""
    return _framework(model).with_tensors(model, held)


def _file(model: Any) -> bytes:
    """Content of the framework's own file of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        _framework(model).save(model, path)
        return path.read_bytes()


def _framework(model: Any) -> ModuleType:
    """Import the module of this folder that knows the framework of a model."""
    name = "in_torch" if hasattr(model, "state_dict") else "in_jax"
    return import_module(f"experiments.kept_model.{name}")
