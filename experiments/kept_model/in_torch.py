"""Tensors and files of models in torch."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


def save(model: Any, path: Path) -> None:
    """Write the framework's own file of a model."""
    import seq_torch

    seq_torch.save(model, path)


def tensors(model: Any) -> dict[str, np.ndarray]:
    """Tensors of a model by name, statistics included."""
    return {name: value.numpy(force=True) for name, value in model.state_dict().items()}


def with_tensors(model: Any, held: Mapping[str, np.ndarray]) -> Any:
    """Copy a model, with other tensors in their places by name."""
    import torch

    copy = deepcopy(model)
    copy.load_state_dict({name: torch.from_numpy(value) for name, value in held.items()})
    return copy
