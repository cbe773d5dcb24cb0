"""Layers of other packages as mixers: built by the name of their width, read from their tuples.

Two conventions are common. flash-linear-attention makes a layer from ``hidden_size``, mamba-ssm
from ``d_model``, many others from ``dim``; and what a layer gives may be a tuple whose first part
is the output. This file is the one place that knows of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

WIDTHS = ("width", "hidden_size", "d_model", "dim")
"""Names by which a layer may ask for its width, the first of them that it has being taken."""

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_GATHERING = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def made(make: Callable[..., Any], width: int) -> Any:
    """Build a layer from a width, given by position or by the name that the layer has for it.

    An argument ``layer_idx``, by which layers of both packages find their cache, is 0.

    Raises
    ------
    TypeError
        If it cannot be called with a width alone; the message names what else it wants.
    """
    name = getattr(make, "__name__", str(make))
    if isinstance(make, nn.Module):
        raise TypeError(
            f"got a {type(make).__name__} that is made already, expected a class or a function of "
            "the width: a model wants one in each layer, each with weights of its own"
        )
    arguments, named = _arguments(make, width)
    try:
        return make(*arguments, **named)
    except TypeError as error:
        raise TypeError(
            f"{name}({width}) failed: {error}; a mixer is made from its width alone"
        ) from error


def _arguments(make: Callable[..., Any], width: int) -> tuple[tuple[int, ...], dict[str, int]]:
    try:
        known = inspect.signature(make).parameters
    except (TypeError, ValueError):  # nothing to call, or written in C
        return (width,), {}
    wanted = [p for p in known.values() if p.default is p.empty and p.kind not in _GATHERING]
    if len(wanted) > 1:
        raise TypeError(_wants(getattr(make, "__name__", str(make)), [p.name for p in wanted]))
    named = {"layer_idx": 0} if "layer_idx" in known else {}
    if wanted and wanted[0].kind in _POSITIONAL:
        return (width,), named
    name = wanted[0].name if wanted else next((name for name in WIDTHS if name in known), None)
    return ((width,), named) if name is None else ((), {name: width, **named})


def _wants(name: str, wanted: list[str]) -> str:
    said = ", ".join(f"{argument}=..." for argument in wanted)
    return (
        f"{name} wants {', '.join(wanted[:-1])} and {wanted[-1]}, but a mixer is made from its "
        f"width alone: write a function, def mixer(width): return {name}({said})"
    )


def adapted(module: nn.Module, given: object) -> nn.Module:
    """Give a module as a mixer of this package: itself, if it needs no adapter.

    Parameters
    ----------
    module
        A module that maps ``(batch, time, width)`` to the same shape, or to a tuple that has such a
        tensor in front.
    given
        What it gave for some input.

    Returns
    -------
    A module whose forward gives the output alone. It has ``initial_state``, ``prefill`` and
    ``step`` where the layer has ``initial_state(batch_size)`` and ``step(x_k, state)``, or, as
    those of mamba-ssm, ``allocate_inference_cache(batch_size, max_seqlen)`` and
    ``step(x, *caches)``.
    """
    if _has(module, "step", "initial_state"):
        plain = _has(module, "prefill") and isinstance(given, torch.Tensor)
        return module if plain else SteppedLayer(module)
    if _has(module, "step", "allocate_inference_cache"):
        return CachedLayer(module)
    return module if isinstance(given, torch.Tensor) else Layer(module)


def _has(module: nn.Module, *methods: str) -> bool:
    return all(callable(getattr(module, name, None)) for name in methods)


class Layer(nn.Module):
    """A layer of which only the first part of a returned tuple is given.

    Attributes
    ----------
    layer
        The layer itself.
    """

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map a sequence."""
        return output(self.layer(x))


class SteppedLayer(Layer):
    """A layer with ``initial_state(batch_size)`` and ``step(x_k, state)``."""

    def initial_state(self, batch_size: int) -> Any:
        """State before the first position."""
        return self._layer.initial_state(batch_size)

    def step(self, x_k: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Give the output at the next position, and the state after it."""
        return self._layer.step(x_k, state)

    def prefill(self, x: torch.Tensor, state: Any = None) -> tuple[torch.Tensor, Any]:
        """Map the next part of a sequence, position by position."""
        state = self.initial_state(len(x)) if state is None else state
        outputs = []
        for x_k in x.unbind(1):
            y, state = self.step(x_k, state)
            outputs.append(y)
        return (torch.stack(outputs, 1) if outputs else x), state

    @property
    def _layer(self) -> Any:
        """The layer, typed as anything: `nn.Module` declares no `step`."""
        return self.layer


class CachedLayer(SteppedLayer):
    """A layer that steps as those of mamba-ssm, from caches and one position to caches."""

    def initial_state(self, batch_size: int) -> tuple[torch.Tensor, ...]:
        """Give caches before the first position."""
        return tuple(self._layer.allocate_inference_cache(batch_size, 1))

    def step(self, x_k: torch.Tensor, state: Any) -> tuple[torch.Tensor, Any]:
        """Advance copies of the caches, which the layer may write into."""
        y, *caches = self._layer.step(x_k[:, None], *(cache.clone() for cache in state))
        return y[:, 0], tuple(caches)


def output(given: Any) -> Any:
    """Give the output of a layer: what it gave, or the first part of the tuple that it gave."""
    return given[0] if isinstance(given, (tuple, list)) and given else given
