"""The input layer of a model: an embedding of tokens, or a linear map of channels."""

from __future__ import annotations

from dataclasses import dataclass

from seqtheory.checks import require_flag, require_integer

from .mixer import Settings


@dataclass(frozen=True, kw_only=True)
class TokenInput(Settings):
    """Tokens ``(batch, time)``, integers in ``range(vocabulary)``, embedded by a table.

    Parameters
    ----------
    vocabulary
        Number of tokens, at least 1. The table's entries are N(0, 1).
    one_hot
        Whether the table holds unit vectors instead, and is not trained. A mixer that is linear in
        its input then has separate parameters for each token. The model's width must be at least
        the size of the vocabulary.
    """

    vocabulary: int
    one_hot: bool = False

    def __post_init__(self) -> None:
        require_integer("vocabulary", self.vocabulary, minimum=1)
        require_flag("one_hot", self.one_hot)

    def check_width(self, width: int) -> None:
        """Raise ValueError if `one_hot` is set and the width is below the vocabulary's size."""
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
