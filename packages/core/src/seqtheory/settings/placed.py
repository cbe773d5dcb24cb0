"""The place of a layer in its model, for mixers whose published start depends on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from seqtheory.checks import require_integer

from .mixer import Mixer


@dataclass(frozen=True, kw_only=True)
class Placed(Mixer):
    """Settings of a mixer that starts differently in each layer of a model.

    Parameters
    ----------
    layer, layers
        Place of the layer, counted from 0, and number of layers, on which initial values depend.
        None for its place in the model; a module built alone is the first of one.
    """

    layer: int | None = None
    layers: int | None = None

    def __post_init__(self) -> None:
        if (self.layer is None) != (self.layers is None):
            raise ValueError(
                f"got layer={self.layer} and layers={self.layers}: give both, or neither for the "
                "layer's place in its model."
            )
        if self.layer is not None and self.layers is not None:
            require_integer("layers", self.layers, minimum=1)
            require_integer("layer", self.layer, 0, self.layers - 1)

    @property
    def place(self) -> tuple[int, int]:
        """Place of the layer, and number of layers."""
        if self.layer is None or self.layers is None:
            return 0, 1
        return self.layer, self.layers

    def at_layer(self, index: int, depth: int) -> Self:
        """Give the settings of this layer of a model, unless they say which it is."""
        return self if self.layer is not None else replace(self, layer=index, layers=depth)
