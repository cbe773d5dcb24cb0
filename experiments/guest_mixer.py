"""A guest as a mixer of `seq_torch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from experiments import guest as guests
from experiments.exit_code import ConfigError
from experiments.guest import Guest
from seq_torch import MixerConfig


def mixer(guest: Guest | None) -> MixerConfig:
    """Give the settings of a guest: its own if it is a `MixerConfig`, else `GuestConfig`."""
    if guest is None:
        raise ValueError("got no guest, expected one: model='guest' needs it")
    kind = guests.imported(guest)
    if isinstance(kind, type) and issubclass(kind, MixerConfig):
        return kind()
    return GuestConfig(guest=guest)


@dataclass(frozen=True, kw_only=True)
class GuestConfig(MixerConfig):
    """A class or function from a width to a module that maps (batch, time, width) to itself."""

    guest: Guest

    def build(self, width: int) -> nn.Module:
        """Build the module, and see that it keeps the shape of a small input."""
        name, kind = self.guest.name, guests.imported(self.guest)
        try:
            module = kind(width)
        except TypeError as error:
            raise ConfigError(
                f"{name}({width}) failed: {error}; a mixer is built from its width alone"
            ) from error
        if not isinstance(module, nn.Module):
            got = type(module).__name__
            raise ConfigError(f"{name}({width}) is a {got}, expected a torch.nn.Module")
        shape = _shape(module, (2, 3, width))
        if shape != (2, 3, width):
            raise ConfigError(
                f"{name} maps (2, 3, {width}) to {shape}, expected the same shape: "
                "(batch, time, width)"
            )
        return module


def _shape(module: nn.Module, shape: tuple[int, ...]) -> Any:
    """See what a module gives for zeros of a shape, without a trace in its state or in torch's."""
    training = module.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        got = module.eval()(torch.zeros(shape))
    module.train(training)
    return tuple(got.shape) if isinstance(got, torch.Tensor) else type(got).__name__
