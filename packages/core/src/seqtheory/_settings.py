"""Where the checks of settings stood before they became `seqtheory.checks`."""

from seqtheory.checks import (
    MOST_SYMBOLS,
    require_choice,
    require_flag,
    require_integer,
    require_positive,
)

__all__ = ["MOST_SYMBOLS", "require_choice", "require_flag", "require_integer", "require_positive"]
