"""Any module as a mixer, if it is made from a width and keeps the shape (batch, time, width)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from seqtheory.expressivity import Transition
from seqtheory.settings import TransitionClass

from .adapted import adapted, made, output
from .mixer import MixerConfig


@dataclass(frozen=True, kw_only=True)
class ModuleConfig(MixerConfig):
    """A module of your own as a mixer, without a settings class.

    It can be trained and evaluated as any mixer. A model around it cannot be saved to a model file,
    since a function has no plain description from which to make the module again.

    Parameters
    ----------
    make
        A class or a function from the width to a module that maps ``(batch, time, width)`` to the
        same shape, position k of the output depending on positions up to k only; or a layer of the
        convention of flash-linear-attention and mamba-ssm, which asks for ``hidden_size``,
        ``d_model`` or ``dim`` and may give a tuple whose first part is the output.

    Raises
    ------
    ValueError
        By `build`, if `make` wants other arguments, gives no module, or one that changes the shape.
    """

    make: Callable[[int], nn.Module]

    @property
    def causal(self) -> bool:
        """Whether no output depends on later inputs: unless an attribute of `make` says False."""
        return getattr(self.make, "causal", True) is not False

    @property
    def straight_through(self) -> bool:
        """Whether gradients are those of another map: only if an attribute of `make` says True."""
        return getattr(self.make, "straight_through", False) is True

    @property
    def transition_class(self) -> TransitionClass:
        """What an attribute of `make` says; `seq_torch.probe` finds it where none does."""
        said = getattr(self.make, "transition_class", super().transition_class)
        if isinstance(said, Transition) or said in ("nonlinear", "none", "undeclared"):
            return said
        raise ValueError(
            f"transition_class of {_name(self.make)} is {said!r}, expected a "
            "seqtheory.expressivity.Transition, 'nonlinear' or 'none'."
        )

    def build(self, width: int) -> nn.Module:
        """Make the module, after a trial module has mapped a small input to its own shape."""
        if torch.get_default_device().type == "meta":  # where nothing can be mapped
            return self._made(width)
        given = self._given(width)
        return adapted(self._made(width), given)

    def _given(self, width: int) -> object:
        """Output of a trial module for zeros; torch's random state stays as it is."""
        shape = (2, 3, width)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            given = self._made(width).eval()(torch.zeros(shape))
        if (got := _shape(output(given))) != shape:
            raise ValueError(
                f"{_name(self.make)} maps {shape} to {got}, expected the same shape: "
                "(batch, time, width)"
            )
        return given

    def _made(self, width: int) -> nn.Module:
        try:
            module = made(self.make, width)
        except TypeError as error:
            raise ValueError(str(error)) from error
        if not isinstance(module, nn.Module):
            got = type(module).__name__
            raise ValueError(f"{_name(self.make)}({width}) is a {got}, expected a torch.nn.Module")
        return module


def _name(make: object) -> str:
    return getattr(make, "__name__", str(make))


def _shape(output: object) -> object:
    """Shape of a tensor, or the name of what else it is."""
    return tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
