"""Parameters and moments as NumPy tensors, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from seqtheory.training import Snapshot

if TYPE_CHECKING:
    from torch import nn

    from .optim import Optimiser

_MODEL, _OPTIMISER = "model.", "optimiser."


def tensors_of(model: nn.Module, optimiser: Optimiser) -> dict[str, np.ndarray]:
    """Copy parameters, buffers and the optimiser's moments."""
    held = {_MODEL + name: value for name, value in _model_tensors(model).items()}
    for name, parameter in model.named_parameters():
        moments = optimiser.state.get(parameter, {})
        held |= {f"{_OPTIMISER}{name}.{key}": value for key, value in moments.items()}
    return {name: np.array(value.detach().cpu().numpy()) for name, value in held.items()}


def restore(snapshot: Snapshot, model: nn.Module, optimiser: Optimiser) -> None:
    """Write a snapshot's tensors into the model and its optimiser.

    Raises
    ------
    ValueError
        If the snapshot is of another model, which then stays as it is; the message names the
        tensor.
    """
    held = {
        name.removeprefix(_MODEL): value
        for name, value in snapshot.tensors.items()
        if name.startswith(_MODEL)
    }
    current = _model_tensors(model)
    _check_tensors(held, current)
    moments = {
        name: found
        for name, parameter in model.named_parameters()
        if (found := _moments(snapshot, name, parameter, optimiser))
    }
    with torch.no_grad():
        for name, tensor in current.items():
            tensor.copy_(torch.tensor(held[name]))
    for name, parameter in model.named_parameters():
        if name in moments:
            optimiser.state[parameter] = moments[name]


def _model_tensors(model: nn.Module) -> dict[str, torch.Tensor]:
    """Those that the model's own checkpoints hold, sharing memory with it."""
    return {k: v for k, v in model.state_dict().items() if isinstance(v, torch.Tensor)}


def _check_tensors(held: dict[str, np.ndarray], current: dict[str, torch.Tensor]) -> None:
    for name in sorted(held.keys() | current.keys()):
        if name not in held:
            raise ValueError(f"the snapshot lacks the tensor {name}: it is of another model.")
        if name not in current:
            raise ValueError(
                f"the snapshot holds the tensor {name}, which this model does not have: it is of "
                "another model."
            )
        _check_like(name, held[name], current[name])


def _check_like(name: str, held: np.ndarray, current: torch.Tensor) -> None:
    shape, dtype = tuple(current.shape), str(current.dtype).removeprefix("torch.")
    if held.shape != shape or held.dtype.name != dtype:
        raise ValueError(
            f"the snapshot's tensor {name} has shape {held.shape} and dtype {held.dtype}, but the "
            f"model's has {shape} and {dtype}. Resume the model that the snapshot was made of."
        )


def _moments(
    snapshot: Snapshot, name: str, parameter: nn.Parameter, optimiser: Optimiser
) -> dict[str, torch.Tensor]:
    """Optimiser state of one parameter; empty if it had no gradient so far."""
    if not parameter.requires_grad:
        return {}
    likes = optimiser.begun(parameter)
    full = {key: f"{_OPTIMISER}{name}.{key}" for key in likes}
    if not any(name in snapshot.tensors for name in full.values()):
        return {}
    for key, like in likes.items():
        if full[key] not in snapshot.tensors:
            raise ValueError(f"the snapshot lacks the tensor {full[key]}.")
        _check_like(full[key], snapshot.tensors[full[key]], like)
    return {
        key: torch.tensor(snapshot.tensors[full[key]], device=like.device)
        for key, like in likes.items()
    }
