"""Device, floating type, mode and random state in which a model computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import nn

    from seqtheory.training import Training


@dataclass(frozen=True)
class Place:
    """Device and floating type of a model's parameters; `low_precision` for matrix products."""

    device: torch.device
    dtype: torch.dtype
    low_precision: bool

    def autocast(self) -> AbstractContextManager[object]:
        """Context of a forward pass."""
        if not self.low_precision:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def seed(self, *entropy: int) -> None:
        """Seed the device's random numbers and the CPU's: dropout draws from them."""
        (number,) = np.random.SeedSequence(entropy).generate_state(1).tolist()
        torch.default_generator.manual_seed(number)
        if self.device.type == "cuda":
            with torch.cuda.device(self.device):
                torch.cuda.manual_seed(number)

    def random_state_kept(self) -> AbstractContextManager[None]:
        """Context after which the caller's random numbers go on as if nothing had been drawn."""
        return torch.random.fork_rng(devices=[self.device] if self.device.type == "cuda" else [])


def place_of(model: nn.Module, training: Training | None, device: object = None) -> Place:
    """Move the model if a device is named, and say where it is.

    Raises
    ------
    ValueError
        If the model lies on several devices or on one that cannot be used here, or if the
        precision does not suit the device.
    """
    if device is not None:
        model.to(torch.device(device))  # pyright: ignore[reportArgumentType]
    tensors = [*model.parameters(), *model.buffers()]
    devices = {t.device for t in tensors} or {torch.device("cpu")}
    if len(devices) > 1:
        raise ValueError(
            f"the model lies on {', '.join(sorted(map(str, devices)))}; expected one device. Move "
            "it with device=... or model.to(...)."
        )
    (where,) = devices
    if where.type not in ("cpu", "cuda"):
        raise ValueError(f"the model lies on {where}, expected 'cpu' or 'cuda'. Move it there.")
    low_precision = training is not None and training.precision == "bfloat16"
    if low_precision and where.type == "cpu":
        raise ValueError(
            "precision='bfloat16' needs a GPU, but the model lies on the CPU, where it would be "
            "slower and less exact. Use precision='float32', or device='cuda'."
        )
    return Place(where, _floating_type(tensors), low_precision)


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Context after which every module is in training or evaluation mode as before."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _floating_type(tensors: list[torch.Tensor]) -> torch.dtype:
    types = [t.dtype.to_real() for t in tensors if t.is_floating_point() or t.is_complex()]
    if torch.bfloat16 in types or torch.float16 in types:
        raise ValueError(
            "the model holds bfloat16 or float16 tensors, in which small updates are lost; keep "
            "them in float32 (model.float()) and set precision='bfloat16' to compute faster."
        )
    return types[0] if types else torch.get_default_dtype()
