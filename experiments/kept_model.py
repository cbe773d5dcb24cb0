"""Trained models inside records, as files that `seq_torch.load` and `lcde_jax.load` open.

A file holds the tensors and the settings that build the model again. A model without settings, such
as one around a mixer given as a class or a function, is kept as tensors alone, and a note of the
record says why.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
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
    recorder.save_file(name, content)
    facts = {"step": step, "as": "model file", "bytes": len(content)}
    recorder.note(**{f"kept_{name}": facts})


def tensors(model: Any) -> dict[str, np.ndarray]:
    """Tensors of a model by name, statistics included."""
    if _is_torch(model):
        return {name: value.numpy(force=True) for name, value in model.state_dict().items()}
    import jax
    import numpy as np

    from lcde_jax.train.optimiser import tensor_names

    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(_numbers(model)[0])]
    return dict(zip(tensor_names(model), leaves, strict=True))


def with_tensors(model: Any, held: Mapping[str, np.ndarray]) -> Any:
    """Copy a model, with other tensors in their places by name."""
    if _is_torch(model):
        import torch

        copy = deepcopy(model)
        copy.load_state_dict({name: torch.from_numpy(value) for name, value in held.items()})
        return copy
    import equinox as eqx
    import jax
    import jax.numpy as jnp

    from lcde_jax.train.optimiser import tensor_names

    numbers, rest = _numbers(model)
    leaves = [jnp.asarray(held[name]) for name in tensor_names(model)]
    return eqx.combine(jax.tree.unflatten(jax.tree.structure(numbers), leaves), rest)


def _file(model: Any) -> bytes:
    """Content of the framework's own file of a model."""
    if _is_torch(model):
        import seq_torch

        return _written(seq_torch.save, model)
    import lcde_jax

    return _written(lcde_jax.save, model)


def _written(save: Callable[[Any, Path], None], model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        save(model, path)
        return _ordered(path.read_bytes())


def _ordered(content: bytes) -> bytes:
    """Sort the metadata of a safetensors file, whose order is that of a hash table.

    A file begins with the size of its header in eight bytes and the header, padded to a multiple of
    eight bytes; tensors are at offsets from its end.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def _numbers(model: Any) -> tuple[Any, Any]:
    """Parameters and statistics of a model in JAX, and the rest of it."""
    import equinox as eqx

    return eqx.partition(model, eqx.is_inexact_array)


def _is_torch(model: Any) -> bool:
    return hasattr(model, "state_dict")
