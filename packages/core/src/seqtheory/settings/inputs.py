"""How a sequence enters a model: tokens looked up, or channels mapped."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer

from .mixer import Settings


@dataclass(frozen=True, kw_only=True)
class TokenInput(Settings):
    """Tokens ``(batch, time)``, each an integer in ``range(vocabulary)``, looked up in a table.

    Parameters
    ----------
    vocabulary
        Number of tokens, at least 1. The table's entries are N(0, 1).
    one_hot
        Whether the table holds unit vectors instead, and is not trained. A mixer that is linear in
        its input then has parameters of their own for each token. The model must be at least as
        wide as the vocabulary.
    """

    vocabulary: int
    one_hot: bool = False

    def __post_init__(self) -> None:
        require_integer("vocabulary", self.vocabulary, minimum=1)
        require_flag("one_hot", self.one_hot)

    def check_width(self, width: int) -> None:
        """Raise ValueError if unit vectors are asked for that a model is too narrow for."""
        if self.one_hot and width < self.vocabulary:
            raise ValueError(
                f"width={width} is too small for unit vectors of {self.vocabulary} tokens; "
                f"choose {self.vocabulary} or more, or one_hot=False."
            )


@dataclass(frozen=True, kw_only=True)
class LinearInput(Settings):
    """Real channels ``(batch, time, channel)``, mapped to the model's width by ``W x + b``.

    Parameters
    ----------
    channels
        Number of channels, at least 1.
    """

    channels: int

    def __post_init__(self) -> None:
        require_integer("channels", self.channels, minimum=1)
