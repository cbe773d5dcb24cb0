"""Any module as a mixer: what maps (batch, time, width) to itself, made from its width."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from .mixer import MixerConfig


@dataclass(frozen=True, kw_only=True)
class ModuleConfig(MixerConfig):
    """A mixer of one's own, without settings of its own.

    It is in training and evaluation what any mixer is; a model around it has no model file, since
    nothing says how to make it again.

    Parameters
    ----------
    make
        A class or a function from the width to a module that maps ``(batch, time, width)`` to the
        same shape, position k of the output depending on positions up to k only.

    Raises
    ------
    ValueError
        By `build`, if `make` wants other arguments, gives no module, or one that changes the shape.
    """

    make: Callable[[int], nn.Module]

    def build(self, width: int) -> nn.Module:
        """Make the module, and see that it keeps the shape of a small input."""
        name = getattr(self.make, "__name__", str(self.make))
        try:
            module = self.make(width)
        except TypeError as error:
            raise ValueError(
                f"{name}({width}) failed: {error}; a mixer is made from its width alone"
            ) from error
        if not isinstance(module, nn.Module):
            got = type(module).__name__
            raise ValueError(f"{name}({width}) is a {got}, expected a torch.nn.Module")
        shape = (2, 3, width)
        if torch.get_default_device().type != "meta" and (got := _mapped(module, shape)) != shape:
            raise ValueError(
                f"{name} maps {shape} to {got}, expected the same shape: (batch, time, width)"
            )
        return module


def _mapped(module: nn.Module, shape: tuple[int, ...]) -> object:
    """Shape that a module gives zeros of this one, or the name of what else it gives."""
    training = module.training
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        given = module.eval()(torch.zeros(shape))
    module.train(training)
    return tuple(given.shape) if isinstance(given, torch.Tensor) else type(given).__name__
