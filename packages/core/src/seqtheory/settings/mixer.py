"""Base classes: of all settings, and of the settings of mixers."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar, Literal, TypeAlias

from seqtheory.expressivity import Transition

TransitionClass: TypeAlias = Transition | Literal["nonlinear", "none", "undeclared"]
"""What moves the state of one layer: a class of matrices; a map that is not linear in the state;
nothing, where no state of fixed size is handed on; or what the settings do not say."""


class Settings:
    """Frozen settings that check themselves; a framework's subclass adds `build`.

    The docstring of a subclass is extended by that of the settings it inherits from, so that
    ``help`` explains every field.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Append the docstring of the inherited settings to that of the subclass."""
        super().__init_subclass__(**kwargs)
        extended = cls.__bases__[0]
        if not is_dataclass(extended) or extended is Mixer or inspect.isabstract(extended):
            return
        if cls.__doc__:
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\n{inspect.getdoc(extended)}"


@dataclass(frozen=True, kw_only=True)
class Mixer(Settings):
    """Settings of a mixer: a map of sequences ``(batch, time, width)`` to the same shape.

    Attributes
    ----------
    needs_positions
        Whether the mixer cannot tell the order of its inputs, so that the model adds positions.
    """

    needs_positions: ClassVar[bool] = False

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
