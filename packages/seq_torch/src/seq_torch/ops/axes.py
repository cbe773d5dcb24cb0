"""Shapes checked by the names of their axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


def check_axes(given: Mapping[str, Tensor], axes: Mapping[str, str]) -> dict[str, int]:
    """Length of every axis, or raise where two inputs do not agree on one.

    Parameters
    ----------
    given
        Inputs by name, those first that decide.
    axes
        Names of the axes of each input, between blanks. ``group|head`` is an axis ``group`` whose
        length divides that of ``head``.

    Raises
    ------
    ValueError
        If a shape does not fit; the message says which, and what was expected.
    """
    sizes: dict[str, int] = {}
    for name, value in given.items():
        wanted = [axis.partition("|") for axis in axes[name].split()]
        named = [axis for axis, _, _ in wanted]
        expected = [_Length(sizes.get(axis), sizes.get(whole)) for axis, _, whole in wanted]
        fits = value.ndim == len(named) and all(map(_Length.fits, expected, value.shape))
        if not fits:
            raise ValueError(
                f"got {name} of shape {tuple(value.shape)}, expected ({', '.join(named)}) = "
                f"({', '.join(map(str, expected))})."
            )
        for n, axis in zip(value.shape, named, strict=True):
            sizes.setdefault(axis, n)
    return sizes


@dataclass(frozen=True)
class _Length:
    """What an axis may be: a length that is known, a divisor of another's, or anything."""

    known: int | None
    whole: int | None

    def fits(self, n: int) -> bool:
        if self.known is not None:
            return n == self.known
        return self.whole is None or n == self.whole or (n > 0 and self.whole % n == 0)

    def __str__(self) -> str:
        if self.known is not None:
            return str(self.known)
        return "any" if self.whole is None else f"a divisor of {self.whole}"
