"""What all settings are, and what those of every mixer say."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, ClassVar


class Settings:
    """Frozen settings that check themselves; a framework's subclass adds `build`.

    The documentation of a subclass goes on with that of the settings it extends, so that ``help``
    shows what each field means wherever it is asked.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Let the documentation go on with that of the settings that are extended."""
        super().__init_subclass__(**kwargs)
        extended = cls.__bases__[0]
        if is_dataclass(extended) and fields(extended) and cls.__doc__:
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
        """Whether an output depends on nothing later; only then is there a state to hand on."""
        return True
