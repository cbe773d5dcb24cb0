"""Base classes: of all settings, and of the settings of mixers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias

from seqtheory.expressivity import Transition

from .capacity import fitting

TransitionClass: TypeAlias = Transition | Literal["nonlinear", "none", "undeclared"]
"""What moves the state of one layer: a class of matrices; a map that is not linear in the state;
nothing, where no state of fixed size is handed on; or what the settings do not say."""


class Settings:
    """Frozen settings that check themselves; a framework's subclass adds `build`.

    The docstring of a subclass is extended by that of the settings it inherits from, so that
    ``help`` explains every field.

    Attributes
    ----------
    count_bytes
        Bytes of what ``build(config, width)`` makes, as `capacity.fitting` asks for them; a
        framework sets it, and `build` then refuses what does not fit this machine.
    """

    count_bytes: ClassVar[Callable[..., int] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Wrap `build`, and append the docstring of the inherited settings to the subclass's."""
        super().__init_subclass__(**kwargs)
        if cls.count_bytes is not None and "build" in vars(cls):
            cls.build = fitting(vars(cls)["build"], cls.count_bytes)
        extended = cls.__bases__[0]
        own_fields = "__dataclass_fields__" in vars(extended)
        if not own_fields or extended is Mixer or inspect.isabstract(extended):
            return
        if cls.__doc__:
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\n{inspect.getdoc(extended)}"


@dataclass(frozen=True, kw_only=True)
class Mixer(Settings):
    """Settings of a mixer: a map of sequences ``(batch, time, width)`` to the same shape.

    Attributes
    ----------
    shares
        Whether the mixers of a model's layers hand on something beside its channels.
    """

    shares: ClassVar[bool] = False

    @property
    def needs_positions(self) -> bool:
        """Whether the model is to add sinusoidal positions, without which order is not seen."""
        return False

    @property
    def causal(self) -> bool:
        """Whether no output depends on later inputs, as a state for `step` requires."""
        return True

    @property
    def straight_through(self) -> bool:
        """Whether its gradients are by intention those of another map, as of a soft choice."""
        return False

    @property
    def transition_class(self) -> TransitionClass:
        """Class of the recurrence in one layer, for `seqtheory.expressivity.predict`."""
        return "undeclared" if self.causal else "none"

    def at_layer(self, index: int, depth: int) -> Self:
        """Give the settings of layer `index`, counted from 0, of a model of `depth` layers.

        They are the same for every layer, unless a published model starts its layers differently.
        """
        return self
