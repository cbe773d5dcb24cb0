"""Modules that do not fit this machine, refused by their settings before any memory is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from seqtheory.checks import require_memory

_UNCOUNTABLE = 2**63  # bytes that a framework refuses to count


def fitting(build: Callable[..., Any], count: Callable[..., int]) -> Callable[..., Any]:
    """Make the method ``build(width)`` of settings raise MemoryError where its module cannot fit.

    Parameters
    ----------
    build
        Called as ``build(config, width, **options)``.
    count
        Called as ``count(build, config, width, **options)``: the bytes of the module's arrays,
        counted without drawing them; 0 where they are unknown, which leaves it to `build`.
    """

    @wraps(build)
    def checked(config: Any, width: int, **options: Any) -> Any:
        what = f"{config} with width={width}"
        try:
            needed = count(build, config, width, **options)
        except MemoryError as error:  # of what its parameters are made from
            raise MemoryError(f"{what} cannot be built: {error}") from None
        require_memory(needed, what)
        return build(config, width, **options)

    return checked


def counted(count: Callable[[], int], refusals: Sequence[str]) -> int:
    """Bytes that `count` gives; 0 where it fails, which leaves the failure to the build itself.

    A failure whose message has one of the words `refusals` is a size beyond all counting: 2**63.
    """
    try:
        return count()
    except MemoryError:
        raise
    except Exception as error:
        told = str(error).lower()
        return _UNCOUNTABLE if any(word in told for word in refusals) else 0
